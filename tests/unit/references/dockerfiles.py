"""Dockerfiles as they are found in the wild, small, each for one habit of theirs."""

from tests.unit.references.samples import Sample

_HUB = "docker.io/library"
_DIGEST = "sha256:" + "5e" * 32

SAMPLES = (
    Sample("plain", "FROM nginx\n", (f"1:6 {_HUB}/nginx:latest",)),
    Sample("tag", "FROM nginx:1.25-alpine\n", (f"1:6 {_HUB}/nginx:1.25-alpine",)),
    Sample("no line feed at the end", "FROM nginx:1.25", (f"1:6 {_HUB}/nginx:1.25",)),
    Sample("namespace", "FROM bitnami/redis:7.2\n", ("1:6 docker.io/bitnami/redis:7.2",)),
    Sample("registry", "FROM ghcr.io/astral-sh/uv:0.9.2\n", ("1:6 ghcr.io/astral-sh/uv:0.9.2",)),
    Sample("registry with a port", "FROM localhost:5000/app\n", ("1:6 localhost:5000/app:latest",)),
    Sample("digest", f"FROM alpine@{_DIGEST}\n", (f"1:6 {_HUB}/alpine@{_DIGEST}",)),
    Sample("tag and digest", f"FROM alpine:3.20@{_DIGEST}\n", (f"1:6 {_HUB}/alpine:3.20@{_DIGEST}",)),
    Sample("lower case", "from debian:12 as base\n", (f"1:6 {_HUB}/debian:12",)),
    Sample("mixed case", "From debian:12\nrun true\n", (f"1:6 {_HUB}/debian:12",)),
    Sample("indented", "\t  FROM   debian:12   \n", (f"1:11 {_HUB}/debian:12",)),
    Sample(
        "carriage returns",
        "FROM debian:12\r\nRUN true\r\nFROM alpine:3\r\n",
        (f"1:6 {_HUB}/debian:12", f"3:6 {_HUB}/alpine:3"),
    ),
    Sample("byte order mark", "\ufeffFROM debian:12\n", (f"1:6 {_HUB}/debian:12",)),
    Sample("comment first", "# a comment\n\nFROM debian:12\n", (f"3:6 {_HUB}/debian:12",)),
    Sample("commented out", "# FROM debian:11\nFROM debian:12\n", (f"2:6 {_HUB}/debian:12",)),
    Sample("platform", "FROM --platform=$BUILDPLATFORM golang:1.22 AS build\n", (f"1:32 {_HUB}/golang:1.22",)),
    Sample("platform spelt out", "FROM --platform=linux/amd64 debian:12\n", (f"1:29 {_HUB}/debian:12",)),
    Sample(
        "stage is no image", "FROM golang:1.22 AS build\nFROM build AS test\nFROM build\n", (f"1:6 {_HUB}/golang:1.22",)
    ),
    Sample("stage in another case", "FROM golang:1.22 AS Build\nFROM build\n", (f"1:6 {_HUB}/golang:1.22",)),
    Sample(
        "stage asked for in another case",
        "FROM golang:1.22 AS build\nFROM BUILD\n",
        (f"1:6 {_HUB}/golang:1.22", "2:6 ? invalid-reference"),
    ),
    Sample(
        "copied stage in another case",
        "FROM golang:1.22 AS build\nFROM scratch\nCOPY --from=BUILD a b\n",
        (f"1:6 {_HUB}/golang:1.22",),
    ),
    Sample(
        "stage after its use is an image",
        "FROM build\nFROM golang:1.22 AS build\n",
        (f"1:6 {_HUB}/build:latest", f"2:6 {_HUB}/golang:1.22"),
    ),
    Sample("stage called like its image", "FROM node AS node\nFROM node\n", (f"1:6 {_HUB}/node:latest",)),
    Sample("scratch", "FROM scratch\nCOPY a /\n", ()),
    Sample("scratch named", "FROM scratch AS empty\nFROM empty\n", ()),
    Sample("copy from stage", "FROM golang:1 AS b\nFROM scratch\nCOPY --from=b /a /a\n", (f"1:6 {_HUB}/golang:1",)),
    Sample("copy from index", "FROM golang:1\nFROM scratch\nCOPY --from=0 /a /a\n", (f"1:6 {_HUB}/golang:1",)),
    Sample(
        "copy from no such index",
        "FROM golang:1\nFROM scratch\nCOPY --from=7 /a /a\n",
        (f"1:6 {_HUB}/golang:1", "3:13 ? unknown-stage"),
    ),
    Sample(
        "copy from itself", "FROM golang:1\nCOPY --from=0 /a /a\n", (f"1:6 {_HUB}/golang:1", "2:13 ? unknown-stage")
    ),
    Sample("copy from image", "FROM scratch\nCOPY --from=busybox:1.36 /bin/sh /sh\n", (f"2:13 {_HUB}/busybox:1.36",)),
    Sample(
        "copy with more flags",
        "FROM scratch\nCOPY --chown=1:1 --link --from=ghcr.io/a/b:1 /a /a\n",
        ("2:32 ghcr.io/a/b:1",),
    ),
    Sample("copy quoted", 'FROM scratch\nCOPY --from="alpine:3" /a /a\n', (f"2:14 {_HUB}/alpine:3",)),
    Sample("copy from variable", "ARG V=1\nFROM scratch\nCOPY --from=uv:$V /a /a\n", ("3:13 ? variable-not-expanded",)),
    Sample("flag behind the first word", "FROM scratch\nCOPY a --from=b /c\n", ()),
    Sample("copy without from", "FROM scratch\nCOPY a b\nADD --chown=1 c d\n", ()),
    Sample(
        "mount",
        "FROM debian:12\nRUN --mount=type=bind,from=alpine:3,target=/x ls\n",
        (f"1:6 {_HUB}/debian:12", f"2:28 {_HUB}/alpine:3"),
    ),
    Sample(
        "mount from stage", "FROM debian:12 AS d\nFROM d\nRUN --mount=from=d,target=/x ls\n", (f"1:6 {_HUB}/debian:12",)
    ),
    Sample(
        "mount twice",
        "FROM scratch\nRUN --mount=from=a/b:1,target=/x --mount=type=cache,target=/y,from=c/d:2 ls\n",
        ("2:18 docker.io/a/b:1", "2:68 docker.io/c/d:2"),
    ),
    Sample("mount without from", "FROM scratch\nRUN --mount=type=cache,target=/var/.cache pip install x\n", ()),
    Sample(
        "mount from variable", "FROM scratch\nRUN --mount=from=$X,target=/x ls\n", ("2:18 ? variable-not-expanded",)
    ),
    Sample(
        "network flag", "FROM scratch\nRUN --network=none --mount=from=e/f:3,target=/x ls\n", ("2:33 docker.io/e/f:3",)
    ),
    Sample("syntax", "# syntax=docker/dockerfile:1.7\nFROM scratch\n", ("1:10 docker.io/docker/dockerfile:1.7",)),
    Sample(
        "syntax with spaces",
        "#  SYNTAX =  docker/dockerfile:1  \nFROM scratch\n",
        ("1:14 docker.io/docker/dockerfile:1",),
    ),
    Sample(
        "syntax behind escape",
        "# escape=`\n# syntax=docker/dockerfile:1\nFROM scratch\n",
        ("2:10 docker.io/docker/dockerfile:1",),
    ),
    Sample("syntax too late", "# hello\n# syntax=docker/dockerfile:1\nFROM scratch\n", ()),
    Sample("syntax behind an empty line", "\n# syntax=docker/dockerfile:1\nFROM scratch\n", ()),
    Sample("syntax behind an unknown directive", "# what=ever\n# syntax=docker/dockerfile:1\nFROM scratch\n", ()),
    Sample(
        "syntax behind a hash-bang",
        "#!/usr/bin/env -S docker build -f\n# syntax=docker/dockerfile:1\nFROM scratch\n",
        ("2:10 docker.io/docker/dockerfile:1",),
    ),
    Sample(
        "syntax behind a byte order mark",
        "\ufeff# syntax=docker/dockerfile:1\r\nFROM scratch\r\n",
        ("1:10 docker.io/docker/dockerfile:1",),
    ),
    Sample("argument", "ARG TAG=3.12\nFROM python:${TAG}\n", (f"2:6 {_HUB}/python:3.12",)),
    Sample("argument as a whole", "ARG IMAGE=python:3.12\nFROM $IMAGE\n", (f"2:6 {_HUB}/python:3.12",)),
    Sample("argument quoted", "ARG TAG=\"3.12\" OS='slim'\nFROM python:$TAG-$OS\n", (f"2:6 {_HUB}/python:3.12-slim",)),
    Sample("argument from argument", "ARG R=quay.io\nARG I=${R}/a/b\nFROM ${I}:1\n", ("3:6 quay.io/a/b:1",)),
    Sample("argument without default", "ARG TAG\nFROM python:$TAG\n", ("2:6 ? unresolved-variable",)),
    Sample("argument unknown", "FROM $BASE\n", ("1:6 ? unresolved-variable",)),
    Sample("argument of an argument unknown", "ARG A=$B\nFROM $A\n", ("2:6 ? unresolved-variable",)),
    Sample("argument overridden", "ARG T=1\nARG T=2\nFROM a:$T\n", (f"3:6 {_HUB}/a:2",)),
    Sample("argument declared again", "ARG T=1\nARG T\nFROM a:$T\n", (f"3:6 {_HUB}/a:1",)),
    Sample("argument of a stage", "FROM scratch\nARG T=1\nFROM a:$T\n", ("3:6 ? unresolved-variable",)),
    Sample("default in place", "FROM python:${TAG:-3.11}\n", (f"1:6 {_HUB}/python:3.11",)),
    Sample("default for an empty one", "ARG T=\nFROM a:${T:-9}\n", (f"2:6 {_HUB}/a:9",)),
    Sample(
        "alternative",
        "ARG DEBUG=1\nFROM gcr.io/distroless/base${DEBUG:+:debug}\n",
        ("2:6 gcr.io/distroless/base:debug",),
    ),
    Sample(
        "alternative unset", "FROM gcr.io/distroless/base${DEBUG:+:debug}\n", ("1:6 gcr.io/distroless/base:latest",)
    ),
    Sample("nested default", "FROM ${A:-${B:-alpine:3}}\n", (f"1:6 {_HUB}/alpine:3",)),
    Sample("prefix", "ARG V=v1\nFROM a:${V#v}\n", (f"2:6 {_HUB}/a:1",)),
    Sample("suffix", "ARG V=1.2.3\nFROM a:${V%%.*}-${V%.*}\n", (f"2:6 {_HUB}/a:1-1.2",)),
    Sample("replacement", "ARG V=1.2.3\nFROM a:${V/./-}_${V//./-}\n", (f"2:6 {_HUB}/a:1-2.3_1-2-3",)),
    Sample(
        "argument with an argument that has no value",
        "ARG TAG\nARG IMAGE=x/y:${TAG}\nFROM ${IMAGE:-alpine:3}\n",
        ("3:6 ? unresolved-variable",),
    ),
    Sample(
        "argument that is empty because another is",
        "ARG TAG\nARG IMAGE=$TAG\nFROM ${IMAGE:-alpine:3}\n",
        (f"3:6 {_HUB}/alpine:3",),
    ),
    Sample("platform in a name", "FROM a-${TARGETARCH:-amd64}\n", ("1:6 ? unresolved-variable",)),
    Sample("platform given", "ARG TARGETARCH=arm64\nFROM a-$TARGETARCH\n", (f"2:6 {_HUB}/a-arm64:latest",)),
    Sample("digit for a name", "FROM a:${1:-x}$2\n", ("1:6 ? unresolved-variable",)),
    Sample("brace within a default", "FROM ${A:-'b:1}'}\n", ("1:6 ? invalid-reference,variable-default",)),
    Sample("escape within quotation marks", 'ARG V="a\\b"\nFROM x:$V\n', ("2:6 ? invalid-reference,variable-default",)),
    Sample("quoted space in an argument", "ARG A='x y' B=1\nFROM a:$B\n", (f"2:6 {_HUB}/a:1",)),
    Sample("escape behind a hash-bang", "#!x\n# escape=`\nFROM a \\\n\nRUN true\n", (f"3:6 {_HUB}/a:latest",)),
    Sample("syntax indented", " # syntax=a/b\nFROM scratch\n", ()),
    Sample("syntax of another frontend", "// syntax=a/b:1\n", ("1:11 docker.io/a/b:1",)),
    Sample("here-document behind a space", "FROM a:1\nRUN cat << EOF\nFROM b\nEOF\n", (f"1:6 {_HUB}/a:1",)),
    Sample(
        "here-document in an array", 'FROM a:1\nRUN ["x", "<<EOF"]\nFROM b:1\n', (f"1:6 {_HUB}/a:1", f"3:6 {_HUB}/b:1")
    ),
    Sample("mount from a number", "FROM scratch\nRUN --mount=from=0,target=/x ls\n", (f"2:18 {_HUB}/0:latest",)),
    Sample("mount quoted", "FROM scratch\nRUN --mount='type=bind,from=a:1,target=/x' ls\n", (f"2:29 {_HUB}/a:1",)),
    Sample("flag in another case", "FROM scratch\nCOPY --FROM=a:1 x y\n", ()),
    Sample(
        "copy from a later index",
        "FROM a:1\nCOPY --from=1 x y\nFROM b:1\n",
        (f"1:6 {_HUB}/a:1", "2:13 ? unknown-stage", f"3:6 {_HUB}/b:1"),
    ),
    Sample("template", "FROM {{ .Base }} AS x\nFROM x\n", ("1:6 ? unresolved-variable",)),
    Sample("template in a tag", "FROM alpine:{{ if env.x }}3{{ end }}\n", ("1:6 ? unresolved-variable",)),
    Sample(
        "placeholder",
        "FROM %%BASE%%\nCOPY --from=__TOOLS__ a b\n",
        ("1:6 ? unresolved-variable", "2:13 ? unresolved-variable"),
    ),
    Sample("required", "FROM a:${V:?no version}\n", ("1:6 ? invalid-reference",)),
    Sample("brace not closed", "FROM a:${V\n", ("1:6 ? invalid-reference",)),
    Sample("stage by variable", "ARG S=dev\nFROM debian:12 AS dev\nFROM $S\n", (f"2:6 {_HUB}/debian:12",)),
    Sample("scratch by variable", "ARG B=scratch\nFROM $B\n", ()),
    Sample("continued", "FROM \\\n  debian:12 \\\n  AS base\n", (f"2:3 {_HUB}/debian:12",)),
    Sample("continued over comments", "FROM \\\n# old\n  # older\n\n  debian:12\n", (f"5:3 {_HUB}/debian:12",)),
    Sample("continued with spaces behind", "FROM \\  \t\n debian:12\n", (f"2:2 {_HUB}/debian:12",)),
    Sample("continued with carriage returns", "FROM \\\r\n  debian:12\r\n", (f"2:3 {_HUB}/debian:12",)),
    Sample("continued within a word", "FROM deb\\\nian:12\n", (f"1:6 {_HUB}/debian:12",)),
    Sample(
        "continued run",
        "FROM a:1\nRUN x \\\n && FROM b:2 \\\n && y\nFROM c:3\n",
        (f"1:6 {_HUB}/a:1", f"5:6 {_HUB}/c:3"),
    ),
    Sample(
        "backquote escape",
        "# escape=`\nFROM `\n  mcr.microsoft.com/windows/nanoserver:ltsc2022\nRUN dir C:\\\nFROM b:1\n",
        ("3:3 mcr.microsoft.com/windows/nanoserver:ltsc2022", f"5:6 {_HUB}/b:1"),
    ),
    Sample("here-document", "FROM a:1\nRUN <<EOF\nFROM b:2\nEOF\nFROM c:3\n", (f"1:6 {_HUB}/a:1", f"5:6 {_HUB}/c:3")),
    Sample(
        "here-document quoted",
        "FROM a:1\nRUN cat <<'E F' > /x\nFROM b:2\nE F\nFROM c:3\n",
        (f"1:6 {_HUB}/a:1", f"5:6 {_HUB}/c:3"),
    ),
    Sample(
        "here-document with tabs",
        "FROM a:1\nCOPY <<-EOF /x\nFROM b:2\n\tEOF\nFROM c:3\n",
        (f"1:6 {_HUB}/a:1", f"5:6 {_HUB}/c:3"),
    ),
    Sample(
        "two here-documents",
        "FROM a:1\nCOPY <<A <<B /d/\nFROM x\nA\nFROM y\nB\nFROM c:3\n",
        (f"1:6 {_HUB}/a:1", f"7:6 {_HUB}/c:3"),
    ),
    Sample("here-string", "FROM a:1\nRUN cat <<<word\nFROM c:3\n", (f"1:6 {_HUB}/a:1", f"3:6 {_HUB}/c:3")),
    Sample("here-document in quotes", 'FROM a:1\nRUN echo "<<EOF"\nFROM c:3\n', (f"1:6 {_HUB}/a:1", f"3:6 {_HUB}/c:3")),
    Sample("shift", "FROM a:1\nRUN echo $((1<<2))\nFROM c:3\n", (f"1:6 {_HUB}/a:1", f"3:6 {_HUB}/c:3")),
    Sample("onbuild copy", "FROM a:1\nONBUILD COPY --from=b:2 /x /x\n", (f"1:6 {_HUB}/a:1", f"2:21 {_HUB}/b:2")),
    Sample(
        "onbuild mount",
        "FROM a:1\nONBUILD RUN --mount=from=b:2,target=/x ls\n",
        (f"1:6 {_HUB}/a:1", f"2:26 {_HUB}/b:2"),
    ),
    Sample("onbuild index", "FROM a:1\nONBUILD COPY --from=5 /x /x\n", (f"1:6 {_HUB}/a:1",)),
    Sample("upper-case repository", "FROM Nginx\n", ("1:6 ? invalid-reference",)),
    Sample("scheme", "FROM https://docker.io/nginx\n", ("1:6 ? invalid-reference",)),
    Sample("empty tag", "FROM nginx:\n", ("1:6 ? invalid-reference",)),
    Sample("bad digest", "FROM nginx@sha256:abc\n", ("1:6 ? invalid-reference",)),
    Sample("image id", f"FROM {'ab' * 32}\n", ("1:6 ? invalid-reference",)),
    Sample("nothing behind FROM", "FROM\nFROM a:1\n", (f"2:6 {_HUB}/a:1",)),
    Sample("empty", "", ()),
    Sample("not ASCII before", '# Grüße 😀\nFROM "a:1"\n', (f"2:6 {_HUB}/a:1",)),
)
