"""Orlop's readers of images beside syft: `python -m bench.inside FOLDER`."""
