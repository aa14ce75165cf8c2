"""The steps of the workflow, one module a rule, and the subpackages they share."""
