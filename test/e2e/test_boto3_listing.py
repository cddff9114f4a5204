"""Listings: order, prefixes, delimiters, every page size, long keys, encodings. Checked against a model in Python."""
import itertools
import urllib.parse
import xml.etree.ElementTree as xml

import pytest

from conftest import some_bytes, md5
from signing import signed
from test_boto3_buckets import error_of

NAMESPACE = {"s": "http://s3.amazonaws.com/doc/2006-03-01/"}


def fill(s3, name, keys):
    s3.create_bucket(Bucket=name)
    for key in keys:
        s3.put_object(Bucket=name, Key=key, Body=b"x")
    return name, sorted(keys, key=lambda k: k.encode())


KEYS = ["a", "a/b", "a/b/c", "a/b/d", "a/c", "a-b", "a0", "ab", "b", "b/", "b//", "b//x", "c/d/e", "é", "é/x", "z/1", "z/2", "z/3",
        "日/本", "🎭", "😀/x", "\uffee"]
LONG = [("p/" + "k" * 1018 + f"{i:04}") for i in range(8)] + ["p/" + "k" * 510, "p/" + "k" * 511, "p/" + "k" * 512]


@pytest.fixture(scope="module")
def mixed(s3):
    return fill(s3, "listing-mixed", KEYS)


@pytest.fixture(scope="module")
def long(s3):
    return fill(s3, "listing-long", LONG)


def model(keys, prefix="", delimiter="", after=""):
    """What S3 lists: keys and common prefixes merged, in byte order. `after` is a key or a common prefix."""
    out = []
    for key in keys:
        if not key.startswith(prefix):
            continue
        rest = key[len(prefix):]
        if delimiter and delimiter in rest:
            item = ("prefix", prefix + rest[:rest.index(delimiter) + len(delimiter)])
        else:
            item = ("key", key)
        if item[1].encode() <= after.encode() or (item[0] == "prefix" and item in out):
            continue
        out.append(item)
    return out


def merged(answer):
    items = [("key", o["Key"]) for o in answer.get("Contents", [])] + [("prefix", p["Prefix"]) for p in answer.get("CommonPrefixes", [])]
    return sorted(items, key=lambda i: i[1].encode())


def pages_v2(s3, name, **arguments):
    token = {}
    while True:
        answer = s3.list_objects_v2(Bucket=name, **arguments, **token)
        yield answer
        if not answer["IsTruncated"]:
            assert "NextContinuationToken" not in answer
            return
        token = {"ContinuationToken": answer["NextContinuationToken"]}


def pages_v1(s3, name, **arguments):
    marker = {}
    while True:
        answer = s3.list_objects(Bucket=name, **arguments, **marker)
        yield answer
        if not answer["IsTruncated"]:
            return
        items = merged(answer)
        marker = {"Marker": answer.get("NextMarker") or items[-1][1]}


@pytest.mark.parametrize("prefix, delimiter", [
    ("", ""), ("", "/"), ("a", ""), ("a", "/"), ("a/", "/"), ("a/b", "/"), ("a/b/", "/"), ("b/", "/"), ("b//", "/"), ("z/", "/"),
    ("é", "/"), ("", "é"), ("", "b"), ("nothing", "/"), ("c/d/e", "/"), ("", "//"), ("日", "/")])
def test_one_page_is_what_the_model_says(s3, mixed, prefix, delimiter):
    name, keys = mixed
    expected = model(keys, prefix, delimiter)
    v2 = s3.list_objects_v2(Bucket=name, Prefix=prefix, Delimiter=delimiter)
    v1 = s3.list_objects(Bucket=name, Prefix=prefix, Delimiter=delimiter)
    assert merged(v2) == merged(v1) == expected
    assert v2["KeyCount"] == len(expected) and not v2["IsTruncated"]
    assert v2["Prefix"] == prefix and v2.get("Delimiter", "") == delimiter
    assert [o["Key"] for o in v2.get("Contents", [])] == [k for kind, k in expected if kind == "key"], "in byte order"


@pytest.mark.parametrize("size", range(1, len(KEYS) + 2))
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_every_page_size_lists_everything_once(s3, mixed, size, delimiter):
    name, keys = mixed
    for pages in (pages_v2, pages_v1):
        seen = []
        for answer in pages(s3, name, MaxKeys=size, Delimiter=delimiter):
            items = merged(answer)
            assert len(items) <= size and (not answer["IsTruncated"] or len(items) == size)
            seen += items
        assert seen == model(keys, "", delimiter)


@pytest.mark.parametrize("size", range(1, len(LONG) + 1))
def test_keys_of_1024_bytes_that_differ_at_the_end_page_correctly(s3, long, size):
    name, keys = long
    listed = [o["Key"] for page in pages_v2(s3, name, MaxKeys=size, Prefix="p/") for o in page["Contents"]]
    assert listed == keys
    assert max(len(k) for k in listed) == 1024


@pytest.mark.parametrize("after", ["", "a", "a/", "a/b", "a/b/zzz", "b/", "z/2", "\uffee", "😀", "~"])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_start_after_and_marker_are_exclusive(s3, mixed, after, delimiter):
    name, keys = mixed
    later = [k for k in keys if k.encode() > after.encode()]
    expected = model(later, "", delimiter)
    assert merged(s3.list_objects_v2(Bucket=name, StartAfter=after, Delimiter=delimiter)) in (
        expected, model(keys, "", delimiter, after))  # AWS' text allows both for a start inside a common prefix
    if not delimiter:
        assert merged(s3.list_objects(Bucket=name, Marker=after)) == expected


def test_zero_keys_is_an_empty_whole_page(s3, mixed):
    answer = s3.list_objects_v2(Bucket=mixed[0], MaxKeys=0)
    assert answer["KeyCount"] == 0 and not answer["IsTruncated"] and answer["MaxKeys"] == 0


def test_more_than_1000_keys_are_asked_for_and_1000_come(s3, mixed):
    assert s3.list_objects_v2(Bucket=mixed[0], MaxKeys=5000)["MaxKeys"] in (1000, 5000)


@pytest.mark.parametrize("query", [("max-keys", "-1"), ("max-keys", "many"), ("continuation-token", "nonsense"), ("encoding-type", "base64")])
def test_bad_arguments_are_refused(server, mixed, query):
    answer = signed(server, "GET", "/" + mixed[0], [("list-type", "2"), query])
    assert (answer.status, answer.code) == (400, "InvalidArgument"), answer


def test_encoding_type_url_escapes_keys_prefixes_and_markers(server, mixed):
    name, keys = mixed
    answer = signed(server, "GET", "/" + name, [("encoding-type", "url"), ("delimiter", "/"), ("prefix", "é"), ("max-keys", "1")])
    root = xml.fromstring(answer.body)
    assert root.findtext("s:EncodingType", None, NAMESPACE) == "url"
    assert urllib.parse.unquote_plus(root.findtext("s:Prefix", None, NAMESPACE)) == "é"
    raw = root.findtext("s:Contents/s:Key", None, NAMESPACE)
    assert raw == "%C3%A9" and urllib.parse.unquote(raw) == "é"
    assert root.findtext("s:NextMarker", None, NAMESPACE) == "%C3%A9"


def test_without_encoding_the_xml_carries_utf8(server, mixed):
    root = xml.fromstring(signed(server, "GET", "/" + mixed[0]).body)
    assert [c.text for c in root.findall("s:Contents/s:Key", NAMESPACE)] == mixed[1]


def test_an_entry_has_size_tag_and_class(s3, bucket):
    data = some_bytes(12345)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    entry = s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]
    assert (entry["Size"], entry["ETag"], entry["StorageClass"]) == (12345, f'"{md5(data)}"', "STANDARD")
    assert entry["Owner"]["ID"]
    assert "Owner" not in s3.list_objects_v2(Bucket=bucket)["Contents"][0]


def test_a_listing_follows_every_write_at_once(s3, bucket):
    keys = set()
    for i in range(30):
        key = f"k{i * 7919 % 31:02}"
        if i % 3 == 2:
            gone = sorted(keys)[0]
            s3.delete_object(Bucket=bucket, Key=gone)
            keys.discard(gone)
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        keys.add(key)
        assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == sorted(keys)


def test_versions_of_a_bucket_without_versioning_are_all_null(s3, mixed):
    name, keys = mixed
    answer = s3.list_object_versions(Bucket=name)
    assert [v["Key"] for v in answer["Versions"]] == keys
    assert {v["VersionId"] for v in answer["Versions"]} == {"null"} and all(v["IsLatest"] for v in answer["Versions"])
    seen, marker = [], {}
    for _ in itertools.repeat(None, 100):
        page = s3.list_object_versions(Bucket=name, MaxKeys=3, Delimiter="/", **marker)
        seen += sorted([("key", v["Key"]) for v in page.get("Versions", [])] +
                       [("prefix", p["Prefix"]) for p in page.get("CommonPrefixes", [])], key=lambda i: i[1].encode())
        if not page["IsTruncated"]:
            break
        marker = {"KeyMarker": page["NextKeyMarker"]}
        if page.get("NextVersionIdMarker"):
            marker["VersionIdMarker"] = page["NextVersionIdMarker"]
    assert seen == model(keys, "", "/")


def test_a_page_of_1000_of_1100_objects(s3, bucket):
    import concurrent.futures
    keys = [f"{i:05}" for i in range(1100)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda k: s3.put_object(Bucket=bucket, Key=k, Body=b""), keys))
    first, second = pages_v2(s3, bucket)
    assert [o["Key"] for o in first["Contents"]] == keys[:1000] and first["IsTruncated"]
    assert [o["Key"] for o in second["Contents"]] == keys[1000:]
    assert error_of(s3.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
