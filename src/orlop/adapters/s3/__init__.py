"""Blobs and uploads in a bucket of an S3-compatible store."""

from orlop.adapters.s3.blobs import S3Blobs
from orlop.adapters.s3.bucket import BucketRefused, hand_over, prepare_bucket
from orlop.adapters.s3.session import S3Options, S3Session

__all__ = ["BucketRefused", "S3Blobs", "S3Options", "S3Session", "hand_over", "prepare_bucket"]
