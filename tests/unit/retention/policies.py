"""Policies of other registries in the form that is documented for each, and what becomes of them on a repository.

Each is (its text, the tags that the two treat differently in `test_elsewhere.HELD`). They quote nothing: the fields and
what they mean are those of Amazon ECR, Artifact Registry, Harbor and GitLab; names, numbers and how rules are put
together are chosen for what HELD has, so that every kind of rule is there. The forms, read on 2 December 2026:

- ECR: docs.aws.amazon.com/AmazonECR, "Examples of lifecycle policies" and "Lifecycle policy properties";
- Artifact Registry: cloud.google.com/artifact-registry/docs/repositories/cleanup-policy;
- Harbor: goharbor.io, "Create Tag Retention Rules", and what GET /api/v2.0/retentions/metadatas lists;
- GitLab: docs.gitlab.com, "Reduce container registry storage", and `container_expiration_policy` of its projects.
"""

from typing import Any


def _ecr(*rules: tuple[dict[str, Any], str]) -> dict[str, Any]:
    return {
        "rules": [
            {"rulePriority": number, "description": "", "selection": selection, "action": {"type": action}}
            for number, (selection, action) in enumerate(rules, start=1)
        ]
    }


def _tagged(count: str, number: int, **named: list[str]) -> tuple[dict[str, Any], str]:
    unit = {"countUnit": "days"} if count != "imageCountMoreThan" else {}
    return {"tagStatus": "tagged", **named, "countType": count, "countNumber": number, **unit}, "expire"


def _other(status: str, count: str, number: int) -> tuple[dict[str, Any], str]:
    unit = {"countUnit": "days"} if count != "imageCountMoreThan" else {}
    return {"tagStatus": status, "countType": count, "countNumber": number, **unit}, "expire"


_PUSHED, _COUNT = "sinceImagePushed", "imageCountMoreThan"

ECR: list[tuple[Any, set[str]]] = [
    # By the age of images: prod* older than 14 days.
    (_ecr(_tagged(_PUSHED, 14, tagPatternList=["prod*"])), {"1.4.0"}),
    # By their count: one untagged image is kept. And by age.
    (_ecr(_other("untagged", _COUNT, 1), _tagged(_PUSHED, 365, tagPatternList=["prod*"])), set()),
    # Several rules, by prefixes and by patterns.
    (_ecr(_tagged(_COUNT, 1, tagPrefixList=["prod"]), _tagged(_COUNT, 1, tagPrefixList=["beta"])), set()),
    (_ecr(_tagged(_COUNT, 1, tagPatternList=["prod*"]), _tagged(_COUNT, 2, tagPatternList=["build-*"])), {"latest"}),
    # Several tags in one rule: an image has to have a tag of each.
    (_ecr(_tagged(_COUNT, 1, tagPatternList=["alpha*", "beta*"]), _tagged(_PUSHED, 90, tagPrefixList=["dev"])), set()),
    # All images: five are kept.
    (_ecr(_other("any", _COUNT, 5)), {"1.4.0", "build-2"}),
    # The same, by age: no older than 30 days.
    (_ecr(_other("any", _PUSHED, 30)), set()),
    (_ecr(_other("untagged", _PUSHED, 14)), set()),
    (_ecr(_tagged("sinceImagePulled", 30, tagPatternList=["build-*"])), set()),
    (_ecr(_tagged(_PUSHED, 14, tagPatternList=["*rc*"]), _other("any", _PUSHED, 60)), set()),
    # Archiving what nobody pulls, and expiring what lies in the archive: storage classes say nothing here.
    (
        _ecr(
            (
                {"tagStatus": "any", "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 90},
                "transition",
            ),
            (
                {
                    "tagStatus": "any",
                    "storageClass": "archive",
                    "countType": "sinceImageTransitioned",
                    "countUnit": "days",
                    "countNumber": 365,
                },
                "expire",
            ),
        ),
        set(),
    ),
]


def _gar(name: str, action: str, **said: Any) -> dict[str, Any]:
    recent = said.pop("mostRecentVersions", None)
    more = {"mostRecentVersions": recent} if recent else {"condition": said}
    return {"name": name, "action": {"type": action}, **more}


GAR: list[tuple[Any, set[str]]] = [
    # Conditions to delete and to keep, and the most recent versions.
    ([_gar("delete-prerelease", "Delete", tagState="tagged", tagPrefixes=["alpha", "v0"], olderThan="30d")], set()),
    (
        [
            _gar("delete", "Delete", tagState="any", olderThan="30d"),
            _gar("keep-tagged-release", "Keep", tagState="tagged", tagPrefixes=["release", "prod"]),
        ],
        {"1.4.0"},
    ),
    (
        [
            _gar("delete", "Delete", tagState="any", olderThan="30d"),
            _gar("keep-minimum-versions", "Keep", mostRecentVersions={"packageNamePrefixes": ["app"], "keepCount": 5}),
        ],
        {"1.4.0", "build-2"},
    ),
    # What is found most often: so many of each package stay, and of the rest what is old goes.
    (
        [
            _gar("keep-recent-versions", "Keep", mostRecentVersions={"keepCount": 3}),
            _gar("delete-stale", "Delete", olderThan="30d"),
        ],
        set(),
    ),
    ([_gar("delete-untagged", "Delete", tagState="untagged", olderThan="7d")], set()),
    ([_gar("delete-untagged", "Delete", tagState="UNTAGGED")], set()),
    (
        [
            _gar("100-days", "Delete", olderThan="100d"),
            _gar("keep-2.0.6", "Keep", versionNamePrefixes=["2.0.6"]),
            _gar("default", "Delete", tagState="tagged", tagPrefixes=["beta"]),
        ],
        {"beta-1"},
    ),
    ([_gar("new", "Delete", tagState="tagged", tagPrefixes=["build-"], newerThan="20d")], set()),
    ([_gar("other-packages", "Delete", packageNamePrefixes=["web", "mobile"], olderThan="1d")], set()),
    ([_gar("this-package", "Delete", tagState="tagged", packageNamePrefixes=["ap"], olderThan="3600s")], set()),
    (
        [
            _gar("delete", "Delete", tagState="tagged", olderThan="1d"),
            _gar("keep-new", "Keep", tagState="tagged", newerThan="1728000s"),
        ],
        {"latest"},
    ),
]


def _harbor(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"algorithm": "or", "rules": list(rules), "trigger": {"kind": "Schedule", "settings": {"cron": ""}}}


def _retain(template: str, number: int = 0, tags: str = "**", repositories: str = "**", **said: Any) -> dict[str, Any]:
    return {
        "action": "retain",
        "template": template,
        "params": {template: number} if number else {},
        "tag_selectors": [
            {
                "kind": "doublestar",
                "decoration": said.get("tag", "matches"),
                "pattern": tags,
                "extras": '{"untagged":true}',
            }
        ],
        "scope_selectors": {
            "repository": [
                {"kind": "doublestar", "decoration": said.get("repo", "repoMatches"), "pattern": repositories}
            ]
        },
        "disabled": said.get("disabled", False),
    }


HARBOR: list[tuple[Any, set[str]]] = [
    (_harbor(_retain("always")), set()),
    # Each of the templates, and several of them together.
    (_harbor(_retain("latestPushedK", 5)), {"1.4.0", "build-2"}),
    (_harbor(_retain("latestPushedK", 3, "build-*"), _retain("always", tags="prod*")), {"1.4.0", "latest"}),
    (_harbor(_retain("nDaysSinceLastPush", 30)), set()),
    (_harbor(_retain("nDaysSinceLastPull", 7)), set()),
    (
        _harbor(_retain("nDaysSinceLastPull", 5, "latest"), _retain("nDaysSinceLastPush", 10, "{latest,snapshot}")),
        {"latest"},
    ),
    (_harbor(_retain("latestPulledN", 3)), {"beta-1", "build-1", "build-2", "build-3", "build-4", "latest"}),
    (_harbor(_retain("always", tags="*rc*", tag="excludes")), set()),
    (_harbor(_retain("always", repositories="web*")), set()),
    (_harbor(_retain("always", repositories="web*", repo="repoExcludes")), set()),
    (_harbor(_retain("always", disabled=True), _retain("nDaysSinceLastPush", 90)), set()),
]

GITLAB: list[tuple[Any, set[str]]] = [
    # name_regex is the older name of name_regex_delete.
    ({"enabled": True, "keep_n": 5, "older_than": "14d", "name_regex": ".*", "name_regex_keep": ""}, set()),
    ({"keep_n": 1, "older_than": "7d", "name_regex_delete": "build-.*", "name_regex_keep": "(?:prod.*|latest)"}, set()),
    ({"older_than": "90d", "name_regex": ".*", "name_regex_keep": "^(?:v.+|main|master|release|prod).*"}, set()),
    ({"keep_n": 10, "older_than": "90d", "name_regex": ".*", "name_regex_keep": "(main|stable.*)"}, set()),
    ({"name_regex_delete": "dev-.+"}, set()),
    ({"keep_n": 1, "name_regex_delete": ".*", "name_regex_keep": r"\d+\.\d+\.\d+"}, set()),
    ({"keep_n": 1, "name_regex_delete": "v.+|beta.*"}, set()),
    ({"older_than": "30d", "name_regex_delete": "(?:beta|build)-.*"}, set()),
    ({"older_than": "30d", "name_regex_delete": ".*", "name_regex_keep": ".*(?:main|prod).*"}, set()),
    ({"enabled": False, "keep_n": 1, "name_regex": "build-.*"}, {"build-1", "build-2", "build-3", "build-4"}),
    # As the API gives it.
    (
        {
            "container_expiration_policy": {
                "cadence": "1d",
                "enabled": True,
                "keep_n": 1,
                "older_than": "7d",
                "name_regex": ".*",
                "name_regex_keep": None,
                "next_run_at": "2026-12-03T03:00:00.000Z",
            }
        },
        set(),
    ),
    ({"container_expiration_policy_attributes": {"cadence": "1month", "keep_n": 100, "name_regex": ".*"}}, set()),
]

ALL = {"ecr": ECR, "gar": GAR, "harbor": HARBOR, "gitlab": GITLAB}
