"""The code that the rules, the commands and the workflow itself run, one package a subject."""

from workflow_scripts.missing_packages import explain

explain()
