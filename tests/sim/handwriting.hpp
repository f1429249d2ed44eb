#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/random.hpp"

namespace sim {

/// The same call of multifundchannel with destinations as a person writes them: some elements of the list as texts; all
/// of them in one text, with comments and line ends of all kinds; or, as lightning-cli passes a text with a = in it, as
/// names of parameters. A destination with more members than id and amount stays as it is, and so does the list then.
[[nodiscard]] std::string handwritten(const std::string& params, Random& random);

/// The node ids that such a text asks for, in order and in lower case.
[[nodiscard]] std::vector<std::string> handwritten_ids(std::string_view text);

}  // namespace sim
