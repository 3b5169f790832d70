"""Writes an event in the format that a hook asks for."""

from orlop.domain.webhooks import cloudevents, distribution, harbor, slack
from orlop.domain.webhooks.facts import Content, Facts, Source
from orlop.domain.webhooks.hook import Format


def written(form: Format, message: str, facts: Facts, source: Source) -> Content:
    """The content of a message: the same bytes for each attempt, and `message` its id."""
    match form:
        case Format.CLOUDEVENTS:
            return cloudevents.structured(message, facts, source)
        case Format.CLOUDEVENTS_BINARY:
            return cloudevents.binary(message, facts, source)
        case Format.DISTRIBUTION:
            return distribution.envelope(message, facts, source)
        case Format.HARBOR:
            return harbor.payload(facts, source)
        case Format.SLACK:
            return slack.text(facts, source)
