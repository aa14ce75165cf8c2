"""Check the descriptions of networks: keys that exclude each other, donors of trunks."""

from collections.abc import Iterator
from typing import Any

from workflow_scripts.networks.architecture import Network


def form_problems(variant: dict[str, Any]) -> Iterator[str]:
    """Keys that are missing or exclude each other."""
    for trunk, description in variant["trunks"].items():
        short = [key for key in ("filter", "pool", "n_filters") if key in description]
        if "layers" in description and short:
            yield f"trunk {trunk} has layers and {short[0]}; keep one of the two"
        for key in ("filter", "pool"):
            if "layers" not in description and key not in description:
                yield f"trunk {trunk} lacks {key}; add it, or a list of layers"
    if variant["back_end"] is not None and variant["hidden"]:
        yield "it has back_end and hidden; put the dense layer into back_end"


def init_problems(variants: dict[str, Any], variant: dict[str, Any], n_bands: int) -> Iterator[str]:
    """What prevents the trunks of a variant from starting with those of its donors."""
    for trunk, donor_name in variant["init"].items():
        donor = variants.get(donor_name)
        if trunk not in variant["trunks"]:
            yield f"there is no trunk {trunk}; it has {', '.join(variant['trunks'])}"
        elif donor is None:
            yield f"there is no variant {donor_name}; known variants: {', '.join(variants)}"
        elif donor["init"]:
            yield f"{donor_name} has an init itself; choose a variant without init"
        elif trunk not in donor["trunks"]:
            yield f"{donor_name} has no trunk {trunk}; it has {', '.join(donor['trunks'])}"
        elif donor["input_frames"] != variant["input_frames"]:
            yield (
                f"{donor_name} has {donor['input_frames']} input_frames, this variant has "
                f"{variant['input_frames']}; they must be equal"
            )
        else:
            yield from _differences(variant, donor, trunk, donor_name, n_bands)


def _differences(
    variant: dict[str, Any], donor: dict[str, Any], trunk: str, donor_name: str, n_bands: int
) -> Iterator[str]:
    """Why the trunk of a donor cannot be copied."""
    ours, theirs = variant["trunks"][trunk], donor["trunks"][trunk]
    if "layers" in ours or "layers" in theirs:
        # The shapes of the arrays decide: pools and dropout may differ.
        shapes = [
            Network.from_config(part, n_bands, n_classes=2).trunk_shapes(trunk)
            for part in (variant, donor)
        ]
        if shapes[0] != shapes[1]:
            yield f"the layers of trunk {trunk} differ from those in {donor_name}; make them equal"
        return
    for key in ("filter", "n_filters"):
        if ours[key] != theirs[key]:
            yield (
                f"the {key} of trunk {trunk} is {ours[key]}, but {theirs[key]} in "
                f"{donor_name}; they must be equal"
            )
