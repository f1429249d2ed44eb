#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "json/value.hpp"
#include "request/share.hpp"
#include "util/bytes.hpp"
#include "util/result.hpp"

namespace request {

struct Destination;

/// What the user asked the transaction to pay beside its channels: one of `outputs`. Immutable once parsed.
struct Payment {
  std::size_t index = 0;  ///< position in the user's list
  std::string address;    ///< as the user wrote it
  util::Bytes script;
  std::optional<Share> share;  ///< of what is left; `amount` is 0 then
  bitcoin::Sat amount;
  std::string label;  ///< the user's; empty when none
};

/// The whole of the parameter `outputs`, with the rules that hold between payments. Errors: -32602.
/// An address, as text. Errors name what else it is.
[[nodiscard]] util::Result<std::string> parse_address_text(const json::Value& value);

[[nodiscard]] util::Result<std::vector<Payment>> parse_payments(const json::Value& value);

/// The rules that hold between payments and destinations: their shares together, what they come to, and what all of
/// them weigh. `value` is what the payments were read from. Errors: -32602.
[[nodiscard]] util::Result<void> check_beside(const std::vector<Destination>& destinations,
                                              const std::vector<Payment>& payments, const json::Value& value);

/// Whether each address is one of this network, named as lightningd does; empty before lightningd has told it, when
/// nothing can be paid yet. Errors: -32602.
[[nodiscard]] util::Result<void> check_network(const std::vector<Payment>& payments, std::string_view network);

}  // namespace request
