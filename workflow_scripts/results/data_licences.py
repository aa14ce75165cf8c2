"""Under which licence the data are, and what to cite."""

# By data set, as config.yaml names it; {name} is the experiment's.
DATA = {
    "ballroom": """\
The labels, tempi and file names are those of the Ballroom data set, which mirdata lists under
CC BY-NC-SA 4.0 (https://creativecommons.org/licenses/by-nc-sa/4.0/): not for commercial use. Please
cite F. Gouyon et al., An experimental comparison of audio tempo induction algorithms, IEEE TASLP
14(5), 2006.""",
    "demo": "The music was synthesised by the workflow itself and is under its licence.",
    "folder": """\
The audio was a folder of its user's; its rights are its owner's. File names and labels are in
`results/{name}/tracks.csv` and the tables beside it.""",
}
