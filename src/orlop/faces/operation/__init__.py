"""What those who run the registry ask of it over HTTP: is it alive, is it ready, how is it doing."""
