"""One module a rule, of the same name: it reads files, calls a subject and writes files."""
