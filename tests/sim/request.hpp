#pragma once

#include <string>

#include "sim/filter.hpp"

namespace sim {

/// One request of a client, before anybody looked at its parameters.
struct Request {
  std::string raw_id;  ///< quotes included
  std::string method;
  std::string params;  ///< JSON text of an object or array
  Filter filter;
};

}  // namespace sim
