"""Errors: who may ask, how an error looks, and what Troupe says it does not have."""
import datetime
import xml.etree.ElementTree as xml

import botocore.exceptions
import pytest

from conftest import client_of
from signing import UNSIGNED, headers_for, now, presigned, raw, signed
from test_boto3_buckets import error_of


def test_an_error_is_xml_with_its_request_id(server, bucket):
    answer = signed(server, "GET", f"/{bucket}/missing")
    assert answer.status == 404 and answer.headers["content-type"] == "application/xml"
    root = xml.fromstring(answer.body)
    assert root.findtext("Code") == "NoSuchKey" and root.findtext("Message") and root.findtext("Key") == "missing"
    assert root.findtext("RequestId") == answer.headers["x-amz-request-id"]


def test_request_ids_differ(server, bucket):
    ids = {signed(server, "HEAD", "/" + bucket).headers["x-amz-request-id"] for _ in range(20)}
    assert len(ids) == 20


def test_an_error_of_head_has_no_body(server, bucket):
    answer = signed(server, "HEAD", f"/{bucket}/missing")
    assert answer.status == 404 and answer.body == b""


def test_a_request_without_a_signature_is_denied(server, bucket):
    for method, path in (("GET", "/"), ("GET", f"/{bucket}"), ("PUT", f"/{bucket}/k"), ("DELETE", f"/{bucket}")):
        answer = raw(server, method, path)
        assert (answer.status, answer.code) == (403, "AccessDenied"), (method, path, answer)


def test_a_wrong_secret_is_refused(server, s3, bucket):
    answer = signed(server, "PUT", f"/{bucket}/k", body=b"x", secret_key="guess")
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch"), answer
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_an_unknown_key_is_refused(server, bucket):
    answer = signed(server, "GET", "/" + bucket, access_key="AKIANOBODY")
    assert (answer.status, answer.code) == (403, "InvalidAccessKeyId"), answer


@pytest.mark.parametrize("change", [
    lambda h: h.update({"x-amz-meta-a": "changed"}), lambda h: h.update({"host": "elsewhere:1"}),
    lambda h: h.update(authorization=h["authorization"][:-1] + ("0" if h["authorization"][-1] != "0" else "1"))])
def test_a_request_changed_after_signing_is_refused(server, bucket, change):
    answer = signed(server, "PUT", f"/{bucket}/k", headers={"x-amz-meta-a": "1"}, body=b"x", change=change)
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch"), answer


def test_a_changed_path_or_query_is_refused(server, bucket):
    headers = headers_for(server, "GET", f"/{bucket}/a")
    assert raw(server, "GET", f"/{bucket}/b", headers).code == "SignatureDoesNotMatch"
    assert raw(server, "GET", f"/{bucket}/a?acl", headers).code == "SignatureDoesNotMatch"


def test_an_unsigned_amz_header_is_refused(server, bucket):
    answer = signed(server, "PUT", f"/{bucket}/k", body=b"x", change=lambda h: h.update({"x-amz-meta-late": "1"}))
    assert answer.status == 403, answer


@pytest.mark.parametrize("minutes", [-20, 20, -60 * 24])
def test_a_clock_that_is_far_off_is_refused(server, bucket, minutes):
    when = now() + datetime.timedelta(minutes=minutes)
    answer = signed(server, "GET", "/" + bucket, when=when)
    assert (answer.status, answer.code) == (403, "RequestTimeTooSkewed"), answer


def test_a_clock_that_is_a_little_off_is_fine(server, bucket):
    for minutes in (-10, 10):
        assert signed(server, "GET", "/" + bucket, when=now() + datetime.timedelta(minutes=minutes)).status == 200


@pytest.mark.parametrize("authorization", ["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a", "Bearer x", "AWS4-HMAC-SHA256 " + "x" * 4000,
                                           "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=00"])
def test_an_authorization_that_is_none_is_a_client_error(server, bucket, authorization):
    answer = signed(server, "GET", "/" + bucket, change=lambda h: h.update(authorization=authorization))
    assert answer.status in (400, 403) and answer.code, answer


def test_a_wrong_region_is_named(server, bucket):
    answer = signed(server, "GET", "/" + bucket, region="eu-west-9")
    assert answer.status == 400 and answer.code == "AuthorizationHeaderMalformed", answer
    assert b"us-east-1" in answer.body


def test_the_payload_hash_must_be_there(server, bucket):
    answer = signed(server, "GET", "/" + bucket, change=lambda h: h.pop("x-amz-content-sha256"))
    assert answer.status in (400, 403), answer


def test_presigned_urls_work_until_they_expire(server, s3, bucket):
    assert raw(server, "PUT", presigned(server, "PUT", f"/{bucket}/k é"), body=b"by url").status == 200
    assert raw(server, "GET", presigned(server, "GET", f"/{bucket}/k é")).body == b"by url"
    assert raw(server, "GET", s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k é"})
               .removeprefix(server.endpoint)).body == b"by url"
    old = raw(server, "GET", presigned(server, "GET", f"/{bucket}/k é", expires_s=60, when=now() - datetime.timedelta(minutes=5)))
    assert (old.status, old.code) == (403, "AccessDenied"), old
    wrong = raw(server, "GET", presigned(server, "GET", f"/{bucket}/k é", secret_key="guess"))
    assert (wrong.status, wrong.code) == (403, "SignatureDoesNotMatch"), wrong
    other = raw(server, "DELETE", presigned(server, "GET", f"/{bucket}/k é"))
    assert (other.status, other.code) == (403, "SignatureDoesNotMatch"), other
    too_long = raw(server, "GET", presigned(server, "GET", f"/{bucket}/k é", expires_s=604801))
    assert (too_long.status, too_long.code) == (400, "AuthorizationQueryParametersError"), too_long


def test_virtual_host_style_may_be_signed_by_boto3(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    host = f"{bucket}.localhost:{server.port}"
    answer = signed(server, "GET", "/k", host=host)
    assert answer.status == 200 and answer.body == b"x", answer
    assert signed(server, "GET", "/", host=host, query=[("list-type", "2")]).status == 200


# Things of S3 that Troupe does not have: a clear 501, and never an object made or lost by accident.
NOT_HERE = [("PUT", "object", "acl"), ("PUT", "object", "legal-hold"), ("PUT", "object", "retention"), ("POST", "object", "restore"),
            ("POST", "object", "select"), ("PUT", "bucket", "policy"), ("PUT", "bucket", "cors"), ("PUT", "bucket", "website"),
            ("PUT", "bucket", "notification"), ("PUT", "bucket", "replication"), ("PUT", "bucket", "lifecycle"), ("PUT", "bucket", "logging"),
            ("PUT", "bucket", "inventory"), ("PUT", "bucket", "object-lock"),
            ("GET", "bucket", "analytics"), ("PUT", "bucket", "accelerate"), ("PUT", "bucket", "publicAccessBlock")]


@pytest.mark.parametrize("method, level, parameter", NOT_HERE)
def test_what_is_not_there_says_501_and_changes_nothing(server, s3, bucket, method, level, parameter):
    s3.put_object(Bucket=bucket, Key="k", Body=b"kept")
    path = f"/{bucket}/k" if level == "object" else f"/{bucket}"
    answer = signed(server, method, path, [(parameter, "")], body=b"<x/>" if method != "GET" else b"")
    assert (answer.status, answer.code) == (501, "NotImplemented"), answer
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"kept"
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_headers_that_cannot_be_honoured_are_refused(server, s3, bucket):
    for name, value in (("x-amz-server-side-encryption-customer-algorithm", "AES256"), ("x-amz-object-lock-legal-hold", "ON"),
                        ("x-amz-server-side-encryption", "aws:kms"), ("x-amz-website-redirect-location", "/elsewhere")):
        answer = signed(server, "PUT", f"/{bucket}/k", headers={name: value}, body=b"x")
        assert (answer.status, answer.code) in ((501, "NotImplemented"), (400, "InvalidRequest"), (400, "InvalidArgument")), (name, answer)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_method_that_means_nothing_is_refused(server, bucket):
    answer = signed(server, "PATCH", f"/{bucket}/k", body=b"x")
    assert answer.status in (405, 501) and answer.code in ("MethodNotAllowed", "NotImplemented"), answer


def test_a_version_that_cannot_exist(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert signed(server, "GET", f"/{bucket}/k", [("versionId", "null")]).body == b"x"
    answer = signed(server, "GET", f"/{bucket}/k", [("versionId", "abc")])
    assert (answer.status, answer.code) in ((404, "NoSuchVersion"), (400, "InvalidArgument")), answer


def test_a_boto3_with_wrong_keys_sees_the_error(server, bucket):
    class stranger:
        endpoint, access_key, secret_key = server.endpoint, server.access_key, "wrong"
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client_of(stranger).list_objects_v2(Bucket=bucket)
    assert caught.value.response["Error"]["Code"] == "SignatureDoesNotMatch"
    assert error_of(client_of(stranger).put_object, Bucket=bucket, Key="k", Body=b"x") == (403, "SignatureDoesNotMatch")


def test_the_unsigned_payload_still_needs_a_signature(server, bucket):
    answer = signed(server, "PUT", f"/{bucket}/k", body=b"x", payload_hash=UNSIGNED, secret_key="guess")
    assert (answer.status, answer.code) == (403, "SignatureDoesNotMatch"), answer
