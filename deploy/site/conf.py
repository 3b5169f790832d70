"""Sphinx's own configuration: MyST reads the pages, Furo shows them, nothing comes from elsewhere."""

project = "Orlop"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Orlop"
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
# What is typed stays as it is written: no dashes for `--`, no other quotes.
smartquotes = False
# Links lead to headings as they do in repositories on GitHub and GitLab.
myst_heading_anchors = 4
# A page that exists for readers of the repository, too, has no directives to be escaped.
myst_enable_extensions: list[str] = []
exclude_patterns = ["deploy/**/README.md"]
# `console server` and its like are for the tests that run the pages; what is highlighted is shown as it is otherwise.
suppress_warnings = ["misc.highlighting_failure"]
