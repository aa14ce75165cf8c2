"""The demo data set: composed and synthesised dances."""
