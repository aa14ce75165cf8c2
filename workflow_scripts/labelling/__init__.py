"""Label music with trained models.

The modules import only the packages in envs/label.txt.
"""
