"""Where the kinds of operators name images outside of the containers of pods.

A field is written with the key of the mapping that holds it, lists left out: `steps.image`. What is not here is noted
where it is called `image`, because only its operator knows what it is.
"""

_ARGO = "container.image script.image sidecars.image"
_TEKTON = "steps.image sidecars.image stepTemplate.image"
_ELASTIC = "spec.image"
_PERCONA = "spec.image pxc.image haproxy.image proxysql.image backup.image pmm.image logcollector.image"
_STRIMZI = (
    "spec.image kafka.image zookeeper.image topicOperator.image userOperator.image tlsSidecar.image "
    "kafkaExporter.image cruiseControl.image"
)

#: API group, kinds, fields that hold a whole reference.
_FIELDS = (
    ("argoproj.io", "Workflow CronWorkflow WorkflowTemplate ClusterWorkflowTemplate", _ARGO),
    ("tekton.dev", "Task ClusterTask TaskRun Pipeline PipelineRun", _TEKTON),
    ("tekton.dev", "StepAction", "spec.image"),
    ("tekton.dev", "Condition", "check.image"),
    ("monitoring.coreos.com", "Prometheus PrometheusAgent Alertmanager ThanosRuler", "spec.image thanos.image"),
    ("opentelemetry.io", "OpenTelemetryCollector TargetAllocator OpAMPBridge", "spec.image targetAllocator.image"),
    (
        "opentelemetry.io",
        "Instrumentation",
        "java.image nodejs.image python.image dotnet.image go.image apacheHttpd.image nginx.image",
    ),
    ("postgresql.cnpg.io", "Cluster", "spec.imageName"),
    ("postgresql.cnpg.io", "ImageCatalog ClusterImageCatalog", "images.image"),
    ("acid.zalan.do", "postgresql", "spec.dockerImage sidecars.image"),
    ("kafka.strimzi.io", "Kafka KafkaConnect KafkaBridge KafkaMirrorMaker KafkaMirrorMaker2", _STRIMZI),
    ("ceph.rook.io", "CephCluster", "cephVersion.image"),
    ("elasticsearch.k8s.elastic.co", "Elasticsearch", _ELASTIC),
    ("kibana.k8s.elastic.co", "Kibana", _ELASTIC),
    ("apm.k8s.elastic.co", "ApmServer", _ELASTIC),
    ("beat.k8s.elastic.co", "Beat", _ELASTIC),
    ("agent.k8s.elastic.co", "Agent", _ELASTIC),
    ("logstash.k8s.elastic.co", "Logstash", _ELASTIC),
    (
        "kubevirt.io",
        "VirtualMachine VirtualMachineInstance VirtualMachineInstanceReplicaSet VirtualMachinePool",
        "containerDisk.image container.image",
    ),
    (
        "sparkoperator.k8s.io",
        "SparkApplication ScheduledSparkApplication",
        "spec.image template.image driver.image executor.image",
    ),
    ("actions.summerwind.dev", "Runner RunnerDeployment RunnerReplicaSet RunnerSet", "spec.image spec.dockerImage"),
    ("pkg.crossplane.io", "Provider Function Configuration", "spec.package"),
    ("operators.coreos.com", "CatalogSource", "spec.image"),
    ("operators.coreos.com", "ClusterServiceVersion", "relatedImages.image"),
    ("jaegertracing.io", "Jaeger", "allInOne.image query.image collector.image ingester.image agent.image"),
    ("rabbitmq.com", "RabbitmqCluster", "spec.image"),
    ("minio.min.io", "Tenant", "spec.image"),
    ("k8s.mariadb.com", "MariaDB MaxScale", "spec.image exporter.image"),
    ("pxc.percona.com", "PerconaXtraDBCluster", _PERCONA),
    ("psmdb.percona.com", "PerconaServerMongoDB", _PERCONA),
    (
        "redis.redis.opstreelabs.in",
        "Redis RedisCluster RedisReplication RedisSentinel",
        "kubernetesConfig.image redisExporter.image",
    ),
)
#: The same for the values of a Helm chart, and for the images that Kustomize replaces.
_VALUES = (
    ("helm.toolkit.fluxcd.io", "HelmRelease", "spec.values"),
    ("argoproj.io", "Application ApplicationSet", "helm.valuesObject"),
)
_REPLACEMENTS = (("kustomize.toolkit.fluxcd.io", "Kustomization", "spec.images"),)


_GROUPS = frozenset(group for group, _, _ in _FIELDS)


def _table(rows: tuple[tuple[str, str, str], ...]) -> dict[tuple[str, str], frozenset[str]]:
    return {(group, kind): frozenset(fields.split()) for group, kinds, fields in rows for kind in kinds.split()}


#: Fields that hold a reference, by API group and kind.
REFERENCES = _table(_FIELDS)
#: Fields that hold the values of a chart.
VALUES = _table(_VALUES)
#: Fields that hold a list like that of a kustomization.
REPLACEMENTS = _table(_REPLACEMENTS)


def is_builtin(group: str) -> bool:
    """Whether an API group is one of Kubernetes itself, whose images are all in pods."""
    own = group.endswith(".k8s.io") and not group.endswith(".x-k8s.io") and group not in _GROUPS
    return own or "." not in group
