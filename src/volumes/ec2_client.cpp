#include "volumes/ec2_client.hpp"

#include "codec/digest.hpp"
#include "codec/sigv4.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"
#include "codec/xml.hpp"

#include <algorithm>
#include <charconv>

namespace troupe {
namespace {

using namespace std::chrono_literals;

constexpr const char* api_version = "2016-11-15";
constexpr std::size_t answer_bytes_max = std::size_t{1} << 20;
constexpr auto back_off_max = 5000ms;

struct refusal {
  std::string code = "no code", message;
};

// <Response><Errors><Error><Code/><Message/>
refusal refusal_in(const std::string& body) {
  refusal out;
  auto document = xml_document::parse(body, answer_bytes_max);
  if (!document) return out;
  auto errors = document->root().child("Errors");
  auto one = errors ? errors->child("Error") : std::nullopt;
  if (!one) return out;
  out.code = one->child_text("Code").value_or(out.code).substr(0, 100);
  out.message = one->child_text("Message").value_or("").substr(0, 500);
  return out;
}

bool worth_repeating(int status, const std::string& code) {
  return status >= 500 || code == "RequestLimitExceeded" || code == "Throttling" || code == "IncorrectState";
}

ec code_of(const std::string& code) {
  if (code.ends_with(".NotFound")) return ec::not_found;
  if (code == "IncorrectModificationState" || code == "VolumeModificationRateExceeded") return ec::conflict;
  if (code == "UnauthorizedOperation" || code == "AuthFailure" || code == "SignatureDoesNotMatch")
    return ec::access_denied;
  return ec::bad_argument;
}

result<std::string> text_of(const std::string& body, const char* name) {
  auto document = xml_document::parse(body, answer_bytes_max);
  if (!document) return fail(ec::corrupt, "EC2's answer is not XML: " + document.error().message);
  auto text = document->root().child_text(name);
  if (!text || text->empty()) return fail(ec::corrupt, std::string{"EC2's answer has no "} + name);
  return *text;
}

// 0: it is not there, or no number.
std::uint32_t number_in(const xml_element& e, const char* name) {
  const auto text = e.child_text(name).value_or("");
  std::uint32_t out = 0;
  const auto* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out);
  return parsed.ec == std::errc{} && parsed.ptr == end ? out : 0;
}

} // namespace

std::chrono::milliseconds ec2_client::back_off(unsigned attempt) {
  auto base = std::min(options_.first_back_off * (1 << std::min(attempt, 10u)), back_off_max);
  std::uint16_t dice = 0;
  options_.random->fill(std::as_writable_bytes(std::span{&dice, 1}));
  return base / 2 + base * dice / 131072; // half of it for certain, up to as much again by chance
}

result<http_post_answer> ec2_client::send(const std::string& body) {
  auto host = options_.endpoint.substr(options_.endpoint.find("//") + 2);
  const std::vector<header_view> given{{"content-type", "application/x-www-form-urlencoded"}, {"host", host}};
  sigv4_request request{.method = "POST", .path = "/", .query = {}, .headers = given};
  sigv4_credentials keys{
    .access_key = options_.access_key, .secret_key = options_.secret_key, .region = options_.region, .service = "ec2"};
  auto hash = sha256(as_bytes(body));
  http_post_call call{
    .url = options_.endpoint + "/", .headers = {{"content-type", "application/x-www-form-urlencoded"}}, .body = body};
  for (auto& h : sign(request, keys, hex_encode(bytes_view{hash}), options_.clock->now()))
    call.headers.push_back(std::move(h));
  return options_.exchange(call);
}

result<std::string> ec2_client::call(const std::string& action, const name_values& fields) {
  std::string body = "Action=" + action + "&Version=" + api_version;
  for (const auto& [name, value] : fields)
    body += "&" + percent_encode(name, false) + "=" + percent_encode(value, false);
  error last;
  for (unsigned attempt = 0; attempt < options_.attempts_max; ++attempt) {
    if (attempt != 0) options_.wait(back_off(attempt - 1));
    auto answer = send(body); // signed anew: the date moves on
    if (!answer) {
      last = fail(answer.error().code, "EC2 " + action + ": " + answer.error().message);
      continue;
    }
    if (answer->status == 200) return std::move(answer->body);
    auto why = refusal_in(answer->body);
    auto text =
      "EC2 " + action + " was refused with " + std::to_string(answer->status) + " " + why.code + ": " + why.message;
    if (!worth_repeating(answer->status, why.code)) return fail(code_of(why.code), text);
    last = fail(ec::unavailable, text);
  }
  last.message += " (after " + std::to_string(options_.attempts_max) + " attempts)";
  return last;
}

result<std::string> ec2_client::create_volume(const ebs_wanted& v) {
  std::string token = options_.random->new_data_id().to_bytes();
  auto answer = call("CreateVolume",
    {{"AvailabilityZone", v.zone}, {"VolumeType", "io2"}, {"Size", std::to_string(v.gibibytes)},
      {"Iops", std::to_string(v.iops)}, {"MultiAttachEnabled", "true"}, {"Encrypted", "true"},
      {"ClientToken", hex_encode(token)}});
  if (!answer) return answer;
  return text_of(*answer, "volumeId");
}

result<> ec2_client::attach_volume(const std::string& volume, const std::string& instance, const std::string& device) {
  auto answer = call("AttachVolume", {{"VolumeId", volume}, {"InstanceId", instance}, {"Device", device}});
  if (!answer) return std::move(answer).error();
  return {};
}

result<> ec2_client::detach_volume(const std::string& volume, const std::string& instance, bool force) {
  name_values fields{{"VolumeId", volume}, {"InstanceId", instance}};
  if (force) fields.emplace_back("Force", "true");
  auto answer = call("DetachVolume", fields);
  if (!answer) return std::move(answer).error();
  return {};
}

result<ebs_volume> ec2_client::describe_volume(const std::string& volume) {
  auto answer = call("DescribeVolumes", {{"VolumeId.1", volume}});
  if (!answer) return std::move(answer).error();
  auto document = xml_document::parse(*answer, answer_bytes_max);
  if (!document) return fail(ec::corrupt, "EC2's answer is not XML: " + document.error().message);
  auto set = document->root().child("volumeSet");
  auto item = set ? set->child("item") : std::nullopt;
  if (!item) return fail(ec::not_found, "EC2 knows no volume " + volume);
  ebs_volume out;
  out.id = item->child_text("volumeId").value_or("");
  out.type = item->child_text("volumeType").value_or("");
  out.state = item->child_text("status").value_or("");
  out.multi_attach = item->child_text("multiAttachEnabled").value_or("false") == "true";
  out.gibibytes = number_in(*item, "size");
  out.iops = number_in(*item, "iops");
  if (auto attachments = item->child("attachmentSet"))
    for (const auto& a : attachments->children("item"))
      out.attachments.push_back({.instance = a.child_text("instanceId").value_or(""),
        .device = a.child_text("device").value_or(""),
        .state = a.child_text("status").value_or("")});
  return out;
}

result<> ec2_client::modify_volume(const std::string& volume, std::uint32_t gibibytes, std::uint32_t iops) {
  name_values fields{{"VolumeId", volume}, {"Size", std::to_string(gibibytes)}};
  if (iops != 0) fields.emplace_back("Iops", std::to_string(iops));
  auto answer = call("ModifyVolume", fields);
  if (!answer) return std::move(answer).error();
  return {};
}

result<std::optional<ebs_modification>> ec2_client::describe_modification(const std::string& volume) {
  auto answer = call("DescribeVolumesModifications", {{"VolumeId.1", volume}});
  if (!answer && answer.error().code == ec::not_found) return std::optional<ebs_modification>{};
  if (!answer) return std::move(answer).error();
  auto document = xml_document::parse(*answer, answer_bytes_max);
  if (!document) return fail(ec::corrupt, "EC2's answer is not XML: " + document.error().message);
  auto set = document->root().child("volumeModificationSet");
  auto item = set ? set->child("item") : std::nullopt;
  if (!item) return std::optional<ebs_modification>{};
  ebs_modification out;
  out.state = item->child_text("modificationState").value_or("");
  if (out.state.empty()) return std::optional<ebs_modification>{};
  out.original_gibibytes = number_in(*item, "originalSize");
  out.gibibytes = number_in(*item, "targetSize");
  out.original_iops = number_in(*item, "originalIops");
  out.iops = number_in(*item, "targetIops");
  out.message = item->child_text("statusMessage").value_or("").substr(0, 500);
  return std::optional{std::move(out)};
}

result<std::string> ec2_client::create_snapshot(
  const std::string& volume, const std::string& description, const name_values& tags) {
  name_values fields{{"VolumeId", volume}, {"Description", description}};
  if (!tags.empty()) fields.emplace_back("TagSpecification.1.ResourceType", "snapshot");
  for (std::size_t n = 0; n < tags.size(); ++n) {
    const auto tag = "TagSpecification.1.Tag." + std::to_string(n + 1);
    fields.emplace_back(tag + ".Key", tags[n].first);
    fields.emplace_back(tag + ".Value", tags[n].second);
  }
  auto answer = call("CreateSnapshot", fields);
  if (!answer) return answer;
  return text_of(*answer, "snapshotId");
}

result<std::vector<ebs_snapshot>> ec2_client::describe_snapshots(const std::string& volume, const std::string& tag) {
  constexpr unsigned pages_max = 10;
  std::vector<ebs_snapshot> out;
  std::string next;
  for (unsigned page = 0; page < pages_max; ++page) {
    name_values fields{{"Owner.1", "self"}, {"Filter.1.Name", "volume-id"}, {"Filter.1.Value.1", volume},
      {"Filter.2.Name", "tag-key"}, {"Filter.2.Value.1", tag}, {"MaxResults", "1000"}};
    if (!next.empty()) fields.emplace_back("NextToken", next);
    auto answer = call("DescribeSnapshots", fields);
    if (!answer) return std::move(answer).error();
    auto document = xml_document::parse(*answer, answer_bytes_max);
    if (!document) return fail(ec::corrupt, "EC2's answer is not XML: " + document.error().message);
    const auto set = document->root().child("snapshotSet");
    if (!set) return fail(ec::corrupt, "EC2's answer has no snapshotSet");
    for (const auto& item : set->children("item")) {
      ebs_snapshot s;
      s.id = item.child_text("snapshotId").value_or("");
      s.state = item.child_text("status").value_or("");
      s.started = item.child_text("startTime").value_or("");
      if (auto tags = item.child("tagSet"))
        for (const auto& t : tags->children("item"))
          s.tags.emplace_back(t.child_text("key").value_or(""), t.child_text("value").value_or(""));
      out.push_back(std::move(s));
    }
    next = document->root().child_text("nextToken").value_or("");
    if (next.empty()) return out;
  }
  return out;
}

result<> ec2_client::delete_snapshot(const std::string& id) {
  auto answer = call("DeleteSnapshot", {{"SnapshotId", id}});
  if (!answer) return std::move(answer).error();
  return {};
}

} // namespace troupe
