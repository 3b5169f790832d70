"""SBOMs that others wrote: reading them in a process of its own, and what their formats say of packages."""
