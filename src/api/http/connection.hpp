// connection: one client: reads heads, calls the handler, renders errors, keeps or closes the connection.
// Internal to this folder.
#pragma once

#include "api/http/config.hpp"
#include "api/http/connection_count.hpp"
#include "api/http/connection_state.hpp"
#include "api/http/head.hpp"
#include "api/http/response.hpp"

#include <optional>
#include <string>

namespace troupe::http {

class head_parser;

class connection {
public:
  struct surroundings {
    const server_config& config;
    worker& home;
    bool refused; // over connections_max: answer one request with ec::slow_down
  };

  // The whole life of a connection; throws nothing.
  static task<> run(tcp_socket socket, connection_count::ticket ticket, surroundings around);

private:
  connection(tcp_socket socket, connection_count::ticket ticket, surroundings around);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  task<> serve_requests();
  task<bool> first_bytes();
  struct head_outcome {
    bool gone = false;
    std::optional<error> refusal;
  };
  task<head_outcome> read_head(head_parser& parser);
  // Says whether another request may follow.
  task<bool> serve(bool head_parsed, std::optional<error> refusal);
  // How a request went: the error to answer with; or gone, when nothing can be answered.
  struct outcome {
    bool gone = false;
    std::optional<error> failure;
  };
  task<outcome> call_handler(request& rq, response& rs);
  task<bool> answer_error(const request* rq, response& rs, const error& why, std::string_view id);
  open_span begin_trace(request&) const;
  void end_trace(open_span&, const request&, const response&, const outcome&) const;
  task<bool> settle(const response& rs, body& content, bool head_parsed);
  task<> linger();

  void take_page();
  void drop_buffer();
  void grow_buffer(head_parser& parser);

  const server_config& config_;
  const limits& limits_;
  worker& worker_;
  connection_count::ticket ticket_;
  bool refused_;
  bool in_the_clear_ = false; // on a TLS port
  connection_state state_;
  request_head head_;
  std::string remote_;
};

} // namespace troupe::http
