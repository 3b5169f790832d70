"""Virtual repositories: what is asked for in a namespace that shows others is looked for there."""
