"""Buckets through boto3, and through raw requests where boto3 would refuse to ask."""
import botocore.exceptions
import pytest

from conftest import bucket_name
from signing import signed


def error_of(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def test_a_new_bucket_is_listed_and_found(s3, request):
    name = bucket_name(request)
    made = s3.create_bucket(Bucket=name)
    assert made["Location"].strip("/").endswith(name)
    assert name in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    head = s3.head_bucket(Bucket=name)
    assert head["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "us-east-1"


def test_buckets_are_listed_in_order_with_their_owner(s3, request):
    names = [bucket_name(request) for _ in range(3)]
    for name in reversed(names):
        s3.create_bucket(Bucket=name)
    answer = s3.list_buckets()
    listed = [b["Name"] for b in answer["Buckets"]]
    assert listed == sorted(listed) and set(names) <= set(listed)
    assert all(b["CreationDate"] for b in answer["Buckets"])
    assert answer["Owner"]["ID"]


def test_creating_a_bucket_again_keeps_its_objects(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    try:
        s3.create_bucket(Bucket=bucket)  # us-east-1 of AWS says 200 to its owner
    except botocore.exceptions.ClientError as e:
        assert (e.response["ResponseMetadata"]["HTTPStatusCode"], e.response["Error"]["Code"]) == (
            409, "BucketAlreadyOwnedByYou")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"


def test_a_deleted_bucket_is_gone_and_can_be_made_again(s3, bucket):
    s3.put_object(Bucket=bucket, Key="old", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="old")
    assert s3.delete_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert error_of(s3.head_bucket, Bucket=bucket)[0] == 404
    assert error_of(s3.list_objects_v2, Bucket=bucket) == (404, "NoSuchBucket")
    s3.create_bucket(Bucket=bucket)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_bucket_with_objects_is_not_deleted(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert error_of(s3.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


@pytest.mark.parametrize("operation, more", [
    ("head_bucket", {}), ("delete_bucket", {}), ("list_objects_v2", {}), ("list_objects", {}), ("get_bucket_location", {}),
    ("list_multipart_uploads", {}), ("put_object", {"Key": "k", "Body": b"x"}), ("get_object", {"Key": "k"}),
    ("delete_object", {"Key": "k"}), ("create_multipart_upload", {"Key": "k"}),
    ("delete_objects", {"Delete": {"Objects": [{"Key": "k"}]}})])
def test_every_operation_on_a_missing_bucket_says_so(s3, operation, more):
    status, code = error_of(getattr(s3, operation), Bucket="never-made-this-bucket", **more)
    assert status == 404
    assert code == ("404" if operation == "head_bucket" else "NoSuchBucket")


@pytest.mark.parametrize("name", ["ab", "a" * 64, "Upper", "under_score", "-dash", "dash-", "two..dots", "192.168.1.1",
                                  "xn--name", "name-s3alias", "sp ace"])
def test_names_that_no_bucket_may_have_are_refused(server, name):
    answer = signed(server, "PUT", "/" + name)
    assert (answer.status, answer.code) == (400, "InvalidBucketName"), answer


@pytest.mark.parametrize("name", ["abc", "a" * 63, "with.dots.in-it", "0digits9"])
def test_names_at_the_edge_of_the_rules_are_taken(s3, name):
    s3.create_bucket(Bucket=name)
    s3.head_bucket(Bucket=name)
    s3.delete_bucket(Bucket=name)


def test_the_location_of_us_east_1_is_empty(s3, bucket):
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None


def test_versioning_was_never_enabled(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)


def test_a_body_that_is_not_xml_is_refused(server, request):
    answer = signed(server, "PUT", "/" + bucket_name(request), body=b"<CreateBucketConfiguration><oops")
    assert (answer.status, answer.code) == (400, "MalformedXML"), answer
