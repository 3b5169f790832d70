"""The documentation as a site: which pages stand where, how they are built, and whether every link leads somewhere.

`make site` runs it in an environment of its own (requirements/site.txt); nothing here imports Orlop.
"""
