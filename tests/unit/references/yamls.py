"""Compose files, Kubernetes manifests and Helm values as they are found in the wild, each for one habit of theirs."""

from tests.unit.references.samples import Sample

_HUB = "docker.io/library"
_DIGEST = "sha256:" + "5e" * 32
_HEX = "5e" * 32

COMPOSE = (
    Sample("service", "services:\n  web:\n    image: nginx:1.25\n", (f"3:12 {_HUB}/nginx:1.25",)),
    Sample(
        "two services",
        "services:\n  b: {image: redis}\n  a: {image: 'postgres:16'}\n",
        (f"2:14 {_HUB}/redis:latest", f"3:15 {_HUB}/postgres:16"),
    ),
    Sample("double quotes", 'services: {a: {image: "ghcr.io/x/y:1"}}\n', ("1:24 ghcr.io/x/y:1",)),
    Sample("version line", "version: '3.8'\nservices:\n  a:\n    image: a:1 # why\n", (f"4:12 {_HUB}/a:1",)),
    Sample("build only", "services:\n  a:\n    build: .\n", ()),
    Sample("build and image", "services:\n  a:\n    build: .\n    image: mine\n", (f"4:12 {_HUB}/mine:latest",)),
    Sample("default", "services: {a: {image: 'postgres:${V:-16}'}}\n", (f"1:24 {_HUB}/postgres:16",)),
    Sample("default without colon", "services: {a: {image: 'postgres:${V-16}'}}\n", (f"1:24 {_HUB}/postgres:16",)),
    Sample("nested default", "services: {a: {image: 'a:${V:-${W:-2}}'}}\n", (f"1:24 {_HUB}/a:2",)),
    Sample("default image", "services: {a: {image: '${I:-quay.io/a/b:1}'}}\n", ("1:24 quay.io/a/b:1",)),
    Sample("no default", "services: {a: {image: 'a:$TAG'}}\n", ("1:24 ? unresolved-variable",)),
    Sample("required", "services: {a: {image: 'a:${TAG:?set it}'}}\n", ("1:24 ? unresolved-variable",)),
    Sample("alternative", "services: {a: {image: 'a${X:+:y}'}}\n", (f"1:24 {_HUB}/a:latest",)),
    Sample("dollar", "services: {a: {image: 'a:$$V'}}\n", ("1:24 ? invalid-reference",)),
    Sample("folded", "services:\n  a:\n    image: >-\n      quay.io/a/b:1\n", ("4:7 quay.io/a/b:1",)),
    Sample("literal", "services:\n  a:\n    image: |\n      quay.io/a/b:1\n\n", ("4:7 quay.io/a/b:1",)),
    Sample(
        "anchor",
        "x-i: &i redis:7\nservices:\n  a: {image: *i}\n  b: {image: *i}\n",
        (f"1:9 {_HUB}/redis:7", f"1:9 {_HUB}/redis:7"),
    ),
    Sample(
        "anchor in place",
        "services:\n  a: {image: &i redis:7}\n  b: {image: *i}\n",
        (f"2:17 {_HUB}/redis:7", f"2:17 {_HUB}/redis:7"),
    ),
    Sample("merge", "x-b: &b\n  image: redis:7\nservices:\n  a:\n    <<: *b\n", (f"2:10 {_HUB}/redis:7",)),
    Sample(
        "merge overridden",
        "x-b: &b\n  image: redis:7\nservices:\n  a:\n    image: a:1\n    <<: *b\n",
        (f"5:12 {_HUB}/a:1",),
    ),
    Sample(
        "merge list",
        "x: &x {image: a:1}\ny: &y {image: b:1}\nservices:\n  a:\n    <<: [*x, *y]\n",
        (f"1:15 {_HUB}/a:1",),
    ),
    Sample("repeated key", "services:\n  a:\n    image: a:1\n    image: b:1\n", (f"4:12 {_HUB}/b:1",)),
    Sample("carriage returns", "services:\r\n  a:\r\n    image: a:1\r\n", (f"3:12 {_HUB}/a:1",)),
    Sample("byte order mark", "\ufeffservices: {a: {image: a:1}}\n", (f"1:23 {_HUB}/a:1",)),
    Sample(
        "image volume",
        "services:\n  a:\n    image: a:1\n    volumes:\n    - {type: image, source: b:1, target: /x}\n    - x:/y\n",
        (f"3:12 {_HUB}/a:1", f"5:29 {_HUB}/b:1"),
    ),
    Sample(
        "additional context",
        "services:\n  a:\n    build:\n"
        "      additional_contexts:\n        base: docker-image://alpine:3\n        x: ../x\n",
        (f"5:30 {_HUB}/alpine:3",),
    ),
    Sample(
        "additional contexts as a list",
        "services:\n  a:\n    build:\n      additional_contexts:\n"
        "      - base=docker-image://alpine:3\n      - 'x=docker-image://q.io/x:${V:-1}'\n      - y=../y\n",
        (f"5:29 {_HUB}/alpine:3", "6:27 q.io/x:1"),
    ),
    Sample(
        "cache",
        "services:\n  a:\n    build:\n      cache_from:\n      - alpine:3\n"
        "      - type=registry,ref=q.io/c:1,mode=max\n      - type=gha\n",
        (f"5:9 {_HUB}/alpine:3", "6:27 q.io/c:1"),
    ),
    Sample("hook", "services: {a: {pre_start: [{image: a:1, command: x}]}}\n", (f"1:36 {_HUB}/a:1",)),
    Sample(
        "inline Dockerfile",
        "services:\n  a:\n    build:\n      dockerfile_inline: |\n        ARG V=3\n\n        FROM alpine:3 AS x\r\n"
        "        FROM b:${NONE}\n        FROM b:$$V\n        FROM ${W:-c:1}\n",
        (f"7:14 {_HUB}/alpine:3", "8:14 ? unresolved-variable", f"9:14 {_HUB}/b:3", f"10:19 {_HUB}/c:1"),
    ),
    Sample(
        "inline Dockerfile in quotation marks",
        'services: {a: {build: {dockerfile_inline: "FROM alpine:3\\nRUN true\\n"}}}\n',
        (f"1:43 {_HUB}/alpine:3",),
    ),
    Sample(
        "inline Dockerfile that is none",
        "services: {a: {build: {dockerfile_inline: 'RUN <<X'}}}\n",
        ("1:43 ? unreadable",),
    ),
    Sample("null image", "services:\n  a: {image: }\n  b: {image: ~}\n  c: {image: ''}\n", ()),
    Sample("image of another shape", "services:\n  a: {image: {x: 1}}\n  b: [1]\n  c:\n", ()),
    Sample("no services", "volumes: {a: {}}\n", ()),
    Sample("reset", "services:\n  a:\n    image: !reset null\n", ()),
    Sample("spaces", "services: {a: {image: ' a:1 '}}\n", (f"1:25 {_HUB}/a:1",)),
    Sample("upper case", "services: {a: {image: My/App}}\n", ("1:23 ? invalid-reference",)),
)

_POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n"

KUBERNETES = (
    Sample("pod", f"{_POD}  containers:\n  - name: a\n    image: nginx:1.25\n", (f"7:12 {_HUB}/nginx:1.25",)),
    Sample(
        "all kinds of containers",
        f"{_POD}  initContainers: [{{image: a:1}}]\n"
        "  containers: [{image: b:1}]\n  ephemeralContainers: [{image: c:1}]\n",
        (f"5:28 {_HUB}/a:1", f"6:24 {_HUB}/b:1", f"7:33 {_HUB}/c:1"),
    ),
    Sample(
        "deployment",
        "apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {containers: [{image: a:1}]}}}\n",
        (f"3:47 {_HUB}/a:1",),
    ),
    Sample(
        "stateful set",
        "apiVersion: apps/v1\nkind: StatefulSet\nspec: {template: {spec: {containers: [{image: a:1}]}}}\n",
        (f"3:47 {_HUB}/a:1",),
    ),
    Sample(
        "daemon set",
        "apiVersion: apps/v1\nkind: DaemonSet\nspec:\n  template:\n    spec:\n      containers:\n      - image: a:1\n",
        (f"7:16 {_HUB}/a:1",),
    ),
    Sample(
        "job",
        "apiVersion: batch/v1\nkind: Job\nspec: {template: {spec: {containers: [{image: a:1}]}}}\n",
        (f"3:47 {_HUB}/a:1",),
    ),
    Sample(
        "cron job",
        "apiVersion: batch/v1\nkind: CronJob\n"
        "spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: a:1}]}}}}}\n",
        (f"3:68 {_HUB}/a:1",),
    ),
    Sample(
        "list",
        "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  apiVersion: v1\n  spec: {containers: [{image: a:1}]}\n",
        (f"6:31 {_HUB}/a:1",),
    ),
    Sample(
        "documents",
        f"{_POD}  containers: [{{image: a:1}}]\n---\n{_POD}  containers: [{{image: b:1}}]\n...\n",
        (f"5:24 {_HUB}/a:1", f"11:24 {_HUB}/b:1"),
    ),
    Sample(
        "empty documents",
        f"---\n---\n# nothing\n---\n{_POD}  containers: [{{image: a:1}}]\n---\n",
        (f"9:24 {_HUB}/a:1",),
    ),
    Sample(
        "image volume",
        f"{_POD}  volumes:\n  - name: m\n    image: {{reference: quay.io/m/n:1, pullPolicy: Always}}\n",
        ("7:24 quay.io/m/n:1",),
    ),
    Sample("other volumes", f"{_POD}  volumes:\n  - emptyDir: {{}}\n  - configMap: {{name: image}}\n", ()),
    Sample(
        "custom resource",
        "apiVersion: argoproj.io/v1\nkind: Rollout\nspec: {template: {spec: {containers: [{image: a:1}]}}}\n",
        (f"3:47 {_HUB}/a:1",),
    ),
    Sample(
        "patch",
        "spec:\n  template:\n    spec:\n      containers:\n      - {name: a, image: a:1}\n",
        (f"5:26 {_HUB}/a:1",),
    ),
    Sample("config map", "apiVersion: v1\nkind: ConfigMap\ndata: {x: 'containers: [{image: a}]', image: b}\n", ()),
    Sample("no image", f"{_POD}  containers:\n  - name: a\n  - {{name: b, image: ''}}\n", ()),
    Sample(
        "aliased container", f"{_POD}  containers: [&c {{image: a:1}}]\n  initContainers: [*c]\n", (f"5:27 {_HUB}/a:1",)
    ),
    Sample(
        "merged container", f"x: &x {{image: a:1}}\n{_POD}  containers: [{{<<: *x, name: a}}]\n", (f"1:15 {_HUB}/a:1",)
    ),
    Sample(
        "quoted template",
        f"{_POD}  containers: [{{image: '{{{{ .Values.image }}}}'}}]\n",
        ("5:25 ? unresolved-variable",),
    ),
    Sample(
        "template without quotation marks",
        f"{_POD}  containers:\n  - image: {{{{ .Values.image }}}}\n",
        ("6:12 ? unresolved-variable",),
    ),
    Sample("shell variable", f"{_POD}  containers: [{{image: 'a:${{TAG}}'}}]\n", ("5:25 ? unresolved-variable",)),
    Sample("json", '{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"image":"a:1"}]}}', (f"1:65 {_HUB}/a:1",)),
    Sample("digest", f"{_POD}  containers: [{{image: a@{_DIGEST}}}]\n", (f"5:24 {_HUB}/a@{_DIGEST}",)),
    Sample("invalid", f"{_POD}  containers: [{{image: 'a b'}}]\n", ("5:25 ? invalid-reference",)),
    Sample("several lines", f'{_POD}  containers:\n  - image: "a:\\\n      1"\n', (f"6:12 {_HUB}/a:1",)),
)

_ARGO = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w}\nspec:\n"
KUBERNETES += (
    Sample(
        "Argo workflow",
        f"{_ARGO}  templates:\n  - container: {{image: a:1}}\n  - script: {{image: b:1}}\n"
        "    sidecars: [{image: c:1}]\n    initContainers: [{image: d:1}]\n"
        "  - steps: [[{inline: {container: {image: '{{inputs.x}}'}}}]]\n",
        (f"6:24 {_HUB}/a:1", f"7:21 {_HUB}/b:1", f"8:24 {_HUB}/c:1", f"9:30 {_HUB}/d:1", "10:44 ? unresolved-variable"),
    ),
    Sample(
        "Tekton task",
        "apiVersion: tekton.dev/v1\nkind: Task\nspec:\n"
        "  stepTemplate: {image: a:1}\n  steps: [{image: b:1}, {image: $(params.i)}]\n",
        (f"4:25 {_HUB}/a:1", f"5:19 {_HUB}/b:1", "5:33 ? unresolved-variable"),
    ),
    Sample(
        "Prometheus",
        "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nspec: {image: q.io/p:1, thanos: {image: q.io/t:1}}\n",
        ("3:15 q.io/p:1", "3:41 q.io/t:1"),
    ),
    Sample(
        "unknown kind",
        "apiVersion: example.org/v1\nkind: Thing\nspec:\n  image: q.io/a:1\n"
        "  b: {image: {repository: q.io/b, tag: v1}}\n"
        "  containers: [{image: q.io/c:1}]\n  d: {image: }\n  e: {image: A B}\n",
        ("4:10 ? unknown-field", "5:27 ? unknown-field", "6:24 q.io/c:1", "8:14 ? unknown-field"),
    ),
    Sample(
        "object within a list and an unknown kind",
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: example.org/v1\n  kind: X\n"
        "  spec:\n    image: x\n    resource:\n"
        "      apiVersion: v1\n      kind: ConfigMap\n      data: {image: y}\n",
        ("7:12 ? unknown-field",),
    ),
    Sample(
        "Helm release",
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
        "spec: {values: {image: {repository: q.io/a, tag: v1}}}\n",
        ("3:37 q.io/a:v1",),
    ),
    Sample(
        "images of a kustomization in a cluster",
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec: {images: [{name: a, newTag: v1}]}\n",
        (f"3:24 {_HUB}/a:v1",),
    ),
    Sample(
        "schema of a kind",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        "spec: {properties: {image: {type: string}}, image: x}\n",
        (),
    ),
    Sample(
        "placeholders",
        f"{_POD}  containers: [{{image: <IMAGE>}}, {{image: IMAGE_NAME}}, {{image: '%X%:1'}}]\n",
        ("5:24 ? unresolved-variable", "5:42 ? unresolved-variable", "5:64 ? unresolved-variable"),
    ),
)

HELM = (
    Sample("string", "image: nginx:1.25\n", (f"1:8 {_HUB}/nginx:1.25",)),
    Sample("map", "image:\n  repository: nginx\n  tag: '1.25'\n", (f"2:15 {_HUB}/nginx:1.25",)),
    Sample(
        "map with a registry", "image:\n  registry: quay.io\n  repository: a/b\n  tag: v1\n", ("3:15 quay.io/a/b:v1",)
    ),
    Sample(
        "map with a digest",
        f"image: {{repository: a/b, tag: v1, digest: {_DIGEST}}}\n",
        (f"1:21 docker.io/a/b:v1@{_DIGEST}",),
    ),
    Sample(
        "map with sha", f"image: {{repository: a/b, tag: v1, sha: {_HEX}}}\n", (f"1:21 docker.io/a/b:v1@{_DIGEST}",)
    ),
    Sample("digest only", f"image: {{repository: a/b, digest: {_DIGEST}}}\n", (f"1:21 docker.io/a/b@{_DIGEST}",)),
    Sample(
        "digest in the tag",
        f"image: {{repository: a/b, tag: 'v1@{_DIGEST}', digest: ''}}\n",
        (f"1:21 docker.io/a/b:v1@{_DIGEST}",),
    ),
    Sample("empty registry", "image: {registry: '', repository: a/b, tag: v1}\n", ("1:35 docker.io/a/b:v1",)),
    Sample("no tag", "image:\n  repository: nginx\n", ("2:15 ? chart-tag",)),
    Sample("empty tag", "image: {repository: nginx, tag: '', digest: ''}\n", ("1:21 ? chart-tag",)),
    Sample("null tag", "image:\n  repository: nginx\n  tag:\n", ("2:15 ? chart-tag",)),
    Sample("deep", "a: {b: {c: {image: {repository: q.io/x, tag: v1}}}}\n", ("1:33 q.io/x:v1",)),
    Sample("other key", "sidecar: {repository: q.io/x, tag: v1}\n", ("1:23 q.io/x:v1",)),
    Sample("pull policy tells", "proxy: {repository: q.io/x, pullPolicy: Always}\n", ("1:21 ? chart-tag",)),
    Sample("key that ends in image", "jmxImage: {repository: q.io/x, tag: v1}\n", ("1:24 q.io/x:v1",)),
    Sample("string that ends in image", "busyboxImage: busybox:1.36\n", (f"1:15 {_HUB}/busybox:1.36",)),
    Sample("another sort of image", "backgroundImage: 'url(x.png)'\nheroImage: logo\n", ()),
    Sample("image within image", "image: {image: a/b, tag: v1, digest: ''}\n", ("1:16 docker.io/a/b:v1",)),
    Sample("image with a name of its own", "build-image: {name: Build, runs-on: x}\ntest-image: {name: a b}\n", ()),
    Sample("image id", f"image: sha256:{_HEX}\nfooImage: {_HEX}\n", ("1:8 ? image-id",)),
    Sample("name within image", "image: {name: q.io/a/b, tag: v1}\n", ("1:15 q.io/a/b:v1",)),
    Sample("image beside tag", "worker:\n  image: q.io/a/b\n  tag: v1\n", ("2:10 q.io/a/b:v1",)),
    Sample("image beside imageTag", "image: q.io/a/b\nimageTag: v1\n", ("1:8 q.io/a/b:v1",)),
    Sample("image with a tag beside a tag", "image: q.io/a/b:v2\ntag: v1\n", ("1:8 q.io/a/b:v2",)),
    Sample("map of images", "images:\n  api: q.io/a:1\n  pull: Always\n", ("2:8 q.io/a:1",)),
    Sample("map of tags", "images:\n  tags:\n    api: q.io/a:1\n", ("3:10 q.io/a:1",)),
    Sample(
        "list of images",
        "extra:\n- image: {repository: q.io/a, tag: v1}\n- image: q.io/b:1\n",
        ("2:23 q.io/a:v1", "3:10 q.io/b:1"),
    ),
    Sample("git repository", "git: {repository: 'https://example.org/x.git', tag: v1}\n", ()),
    Sample("chart dependency", "dependencies: [{name: a, repository: 'https://example.org', version: 1.0.0}]\n", ()),
    Sample("integer tag", "image: {repository: q.io/a, tag: 16}\n", ("1:21 q.io/a:16",)),
    Sample("template", "image: {repository: '{{ .Values.x }}', tag: v1}\n", ("1:22 ? unresolved-variable",)),
    Sample(
        "shared tag",
        "a: {image: {repository: q.io/a, tag: &t v1}}\nb: {image: {repository: q.io/b, tag: *t}}\n",
        ("1:25 q.io/a:v1", "2:25 q.io/b:v1"),
    ),
    Sample(
        "merged map",
        "a: {image: &i {repository: q.io/a, tag: v1}}\nb: {image: {<<: *i, tag: v2}}\n",
        ("1:28 q.io/a:v1", "1:28 q.io/a:v2"),
    ),
    Sample("invalid", "image: {repository: 'Q R', tag: v1}\n", ("1:22 ? invalid-reference",)),
    Sample("null", "image:\nother: ~\n", ()),
)

KUSTOMIZE = (
    Sample("new tag", "images:\n- name: nginx\n  newTag: '1.25'\n", (f"2:9 {_HUB}/nginx:1.25",)),
    Sample(
        "new name",
        "kind: Kustomization\nimages: [{name: app, newName: quay.io/a/b, newTag: v1}]\n",
        ("2:31 quay.io/a/b:v1",),
    ),
    Sample("digest", f"images: [{{name: q.io/a, digest: {_DIGEST}}}]\n", (f"1:17 q.io/a@{_DIGEST}",)),
    Sample(
        "tag and digest",
        f"images: [{{name: q.io/a, newTag: v1, digest: '{_DIGEST}'}}]\n",
        (f"1:17 q.io/a:v1@{_DIGEST}",),
    ),
    Sample(
        "digest in the tag", f"images: [{{name: q.io/a, newTag: 'v1@{_DIGEST}'}}]\n", (f"1:17 q.io/a:v1@{_DIGEST}",)
    ),
    Sample("empty digest", "images: [{name: q.io/a, newTag: v1, digest: ''}]\n", ("1:17 q.io/a:v1",)),
    Sample(
        "name alone",
        "images: [{name: a, newName: q.io/a}, {name: b}]\n",
        ("1:29 ? manifest-tag", "1:45 ? manifest-tag"),
    ),
    Sample("suffix", "images: [{name: a, tagSuffix: -dev}]\n", ("1:17 ? manifest-tag",)),
    Sample("older key", "imageTags: [{name: a, newTag: v1}]\n", (f"1:20 {_HUB}/a:v1",)),
    Sample("placeholder", "images: [{name: a, newName: <image>, newTag: v1}]\n", ("1:29 ? unresolved-variable",)),
    Sample("no images", "resources: [a.yaml]\nimages:\n", ()),
    Sample("not a name", "images: [{newTag: v1}, [], x]\n", ()),
    Sample(
        "values of a chart",
        "helmCharts:\n- name: x\n  valuesInline: {image: {repository: q.io/a, tag: v1}}\n",
        ("3:38 q.io/a:v1",),
    ),
)
