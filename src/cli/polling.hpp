// polling: a command that waits for what a cluster does, looking every two seconds: the pause, and how the state is shown.
// On a terminal one line that is drawn over; elsewhere a line every half a minute; with --json each look is a line.
#pragma once

#include "cli/storage.hpp"

#include <boost/json/object.hpp>

#include <string>

namespace troupe::cli {

class polling {
public:
  explicit polling(const session&);
  ~polling();
  polling(const polling&) = delete;
  polling& operator=(const polling&) = delete;

  void show(const std::string& what, const boost::json::object& line, const std::string& text);
  // Until the next look. False when interrupted.
  bool wait() const;

private:
  const session& session_;
  bool drawn_;
  unsigned polls_ = 0;
};

} // namespace troupe::cli
