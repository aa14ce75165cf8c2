"""Licences of the data sets, and what to cite."""

# By `dataset` in config.yaml; {name} is the name of the experiment.
DATA = {
    "ballroom": """\
The labels, tempi and file names are those of the Ballroom data set, which mirdata lists under
CC BY-NC-SA 4.0 (https://creativecommons.org/licenses/by-nc-sa/4.0/): not for commercial use. Please
cite F. Gouyon et al., An experimental comparison of audio tempo induction algorithms, IEEE TASLP
14(5), 2006.""",
    "demo": "The music is synthesised by the workflow and has the same licence.",
    "folder": """\
The audio is from the user's own folder; its owner holds the rights. File names and labels are in
`results/{name}/tracks.csv` and in the tables beside it.""",
}
