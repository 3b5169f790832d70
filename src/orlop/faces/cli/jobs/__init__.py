"""`orlop jobs`: what a server does in the background, and `orlop worker`, which does it without a server."""
