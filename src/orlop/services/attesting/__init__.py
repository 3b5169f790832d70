"""The registry attests: it signs statements about images and attaches them, where that is switched on."""
