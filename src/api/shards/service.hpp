// service: the gRPC service of shards.proto on a shard_manager: authenticates, translates requests and errors, bounds how
// many calls run at a time. server.hpp listens with it.
#pragma once

#include "api/shards/authenticator.hpp"
#include "api/shards/server.hpp"
#include "shards.grpc.pb.h"
#include "volumes/shard_manager.hpp"

#include <atomic>
#include <functional>
#include <memory>

namespace troupe::shards {

class service final : public v1::Shards::Service {
public:
  explicit service(service_options o) : options_(std::move(o)) {}

  grpc::Status NewShard(grpc::ServerContext*, const v1::NewShardRequest*, v1::NewShardReply*) override;
  grpc::Status CloseShard(grpc::ServerContext*, const v1::CloseShardRequest*, v1::CloseShardReply*) override;
  grpc::Status DeleteShard(grpc::ServerContext*, const v1::DeleteShardRequest*, v1::DeleteShardReply*) override;
  grpc::Status Put(grpc::ServerContext*, const v1::PutRequest*, v1::PutReply*) override;
  grpc::Status BatchPut(grpc::ServerContext*, const v1::BatchPutRequest*, v1::BatchPutReply*) override;
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
  // Runs `work` for the authenticated client. `shard`, `volume`: to tell where the primary is.
  grpc::Status serve(grpc::ServerContext&, const std::string& client_id, std::uint64_t shard, const std::string& volume,
    const std::function<result<>(const std::string& client)>& work);
  void describe(const volume::reading&, v1::View&) const;
  result<> scan(
    const std::string& client, const v1::ScanRequest&, grpc::ServerContext&, grpc::ServerWriter<v1::ScanReply>&);

  service_options options_;
  std::atomic<unsigned> calls_{0};
  std::atomic<unsigned> scans_{0};
};

grpc::StatusCode status_of(ec);

} // namespace troupe::shards
