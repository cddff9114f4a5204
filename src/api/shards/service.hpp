// service: the gRPC service of shards.proto on a shard_manager: finds out who calls and whether they may, translates requests
// and errors, bounds how many calls run at a time. server.hpp listens with it. Who may call: admission.cpp.
#pragma once

#include "api/shards/client.hpp"
#include "api/shards/server.hpp"
#include "shards.grpc.pb.h"
#include "volumes/shard_manager.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::shards {

// A key of the bucket of policies.
std::string key_in(std::uint64_t shard, std::string_view key = {});

// One of so many at a time.
class place {
public:
  place(std::atomic<unsigned>& count, unsigned max) : count_(count), got_(count.fetch_add(1) < max) {}
  place(const place&) = delete;
  place& operator=(const place&) = delete;
  ~place() { count_.fetch_sub(1); }
  bool got() const { return got_; }

private:
  std::atomic<unsigned>& count_;
  bool got_;
};

class service final : public v1::Shards::Service {
public:
  explicit service(service_options o) : options_(std::move(o)) {}

  grpc::Status NewShard(grpc::ServerContext*, const v1::NewShardRequest*, v1::NewShardReply*) override;
  grpc::Status CloseShard(grpc::ServerContext*, const v1::CloseShardRequest*, v1::CloseShardReply*) override;
  grpc::Status DeleteShard(grpc::ServerContext*, const v1::DeleteShardRequest*, v1::DeleteShardReply*) override;
  grpc::Status Put(grpc::ServerContext*, const v1::PutRequest*, v1::PutReply*) override;
  grpc::Status BatchPut(grpc::ServerContext*, const v1::BatchPutRequest*, v1::BatchPutReply*) override;
  grpc::Status Delete(grpc::ServerContext*, const v1::DeleteRequest*, v1::DeleteReply*) override;
  grpc::Status BatchDelete(grpc::ServerContext*, const v1::BatchDeleteRequest*, v1::BatchDeleteReply*) override;
  grpc::Status Get(grpc::ServerContext*, const v1::GetRequest*, v1::GetReply*) override;
  grpc::Status BatchGet(grpc::ServerContext*, const v1::BatchGetRequest*, v1::BatchGetReply*) override;
  grpc::Status Scan(grpc::ServerContext*, const v1::ScanRequest*, grpc::ServerWriter<v1::ScanReply>*) override;
  grpc::Status LookupIndex(grpc::ServerContext*, const v1::LookupIndexRequest*, v1::LookupIndexReply*) override;
  grpc::Status ShardStatus(grpc::ServerContext*, const v1::ShardStatusRequest*, v1::ShardStatusReply*) override;
  grpc::Status ListShards(grpc::ServerContext*, const v1::ListShardsRequest*, v1::ListShardsReply*) override;
  grpc::Status VolumeStatus(grpc::ServerContext*, const v1::VolumeStatusRequest*, v1::VolumeStatusReply*) override;
  grpc::Status SnapshotVolume(
    grpc::ServerContext*, const v1::SnapshotVolumeRequest*, v1::SnapshotVolumeReply*) override;

private:
  // What a call wants: an action on keys of the bucket of policies, all of which must be allowed.
  struct wish {
    const char* operation; // a string literal, for logs
    identity::action action;
    const std::string& client_id;
    std::vector<std::string> keys;
    std::uint64_t shard = 0; // the two: to tell where the primary is
    std::string volume = {};
  };
  struct sender {
    identity::principal who;
    std::string client;   // the client id that they are
    std::string resource; // what was made, for the audit log
  };
  using work = std::function<result<>(sender&)>;
  // Runs `work` for a sender who may, and tells the watcher.
  grpc::Status serve(grpc::ServerContext&, const wish&, const work&);
  grpc::Status admitted(grpc::ServerContext&, const wish&, const work&, sender&);
  result<> authorise(const identity::principal&, identity::action, const std::string& key) const;
  void describe(const volume::reading&, v1::View&) const;
  result<> scan(const sender&, const v1::ScanRequest&, grpc::ServerContext&, grpc::ServerWriter<v1::ScanReply>&);

  service_options options_;
  std::atomic<unsigned> calls_{0};
  std::atomic<unsigned> scans_{0};
};

grpc::StatusCode status_of(ec);

} // namespace troupe::shards
