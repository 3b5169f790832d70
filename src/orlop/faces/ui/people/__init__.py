"""Pages about who there is and who may do what. Each asks the service that the API asks, and adds no rule."""
