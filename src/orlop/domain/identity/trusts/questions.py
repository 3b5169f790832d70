"""How a question to AWS travels: what registry and client have to agree on."""

#: What a token begins with that is a signed question, in the way of `k8s-aws-v1.` of Amazon EKS.
QUESTION_PREFIX = "orlop-aws-v1."

#: The header that binds a question to one registry.
SERVER_ID = "x-orlop-server-id"
