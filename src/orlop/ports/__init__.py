"""What the services need of the world, as protocols of one to five methods, grouped by role.

Every method names the errors it raises; beside those any method of a store may raise Unavailable, after which nothing
has changed, or ContentCorrupt, when what is stored is not what was stored.
"""
