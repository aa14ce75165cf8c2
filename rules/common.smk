"""What several rule files share.

Makes: D, the folder of this experiment; the checked configuration; the functions below.
"""

import json
import os
import sys

from snakemake.exceptions import WorkflowError

from workflow_scripts import configuration
from workflow_scripts.sources import code_of
from workflow_scripts.step import UserError

try:
    configuration.complete(config)
except UserError as mistake:
    raise WorkflowError(str(mistake)) from None

# Jobs find this Python and these modules whatever folder and shell they start in.
os.environ["PATH"] = os.pathsep.join(
    [os.path.dirname(sys.executable), os.environ.get("PATH", "")]
)
os.environ["PYTHONPATH"] = workflow.basedir

D = f"results/{config['name']}"
FOLDS = range(config["folds"])
SHARDS = range(config["shards"])
FEATURES = expand("{D}/features/shard-{shard}.npy", D=D, shard=SHARDS)
FEATURE_INDEX = expand("{D}/features/shard-{shard}.csv", D=D, shard=SHARDS)


wildcard_constraints:
    variant="|".join(config["variants"]),
    fold="[0-9]+",
    shard="[0-9]+",


def code(step):
    """The modules whose content decides what a step computes: its input, besides its data."""
    return [f"{workflow.basedir}/{path}" for path in code_of(step)]


def network(wildcards):
    """The description of a variant as JSON, so that an edit reruns this variant alone."""
    description = config["variants"][wildcards.variant]
    return json.dumps({key: description[key] for key in description if key != "training"})


def training(wildcards):
    """The settings of a variant's training as JSON."""
    own = config["variants"][wildcards.variant].get("training", {})
    return json.dumps(config["training"] | own)
