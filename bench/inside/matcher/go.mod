module orlop.bench/matcher

go 1.26.0

require (
	github.com/google/osv-scalibr v0.5.3-0.20260911142458-3090dbb7aaa2
	golang.org/x/net v0.58.0
	google.golang.org/grpc v1.83.2
)
