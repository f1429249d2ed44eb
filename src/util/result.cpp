#include "util/result.hpp"

#include <stdexcept>

namespace util {

void wrong_access() { throw std::logic_error("a Result was asked for what it is not"); }

}  // namespace util
