#pragma once

#include <string>
#include <string_view>

#include "sim/filter.hpp"
#include "spark/runtime.hpp"

namespace sim {

/// One request of a client, before anybody looked at its parameters.
struct Request {
  std::string raw_id;  ///< quotes included
  std::string method;
  std::string params;  ///< JSON text of an object or array
  Filter filter;
  spark::Duration arrived{0};  ///< at lightningd, which may come to it later

  /// On whose behalf the plugin makes it: what its id begins with.
  [[nodiscard]] std::string_view origin() const {
    const auto end = std::string_view(raw_id).rfind("/multifundchannel:");
    return end == std::string_view::npos ? std::string_view() : std::string_view(raw_id).substr(0, end);
  }
};

/// What lightningd's parts may know of the request that is carried out right now.
struct Asked {
  std::string origin;
  spark::Duration at{0};
};

}  // namespace sim
