#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace fuzz {

/// One thing that reads bytes which others have written. A run ends the process (std::abort, or a sanitizer) when the
/// bytes break a rule; whatever else they are is fine.
struct Target {
  const char* name;  ///< of its folder in corpus/ as well
  void (*run)(std::string_view bytes);
};

[[nodiscard]] std::span<const Target> targets();
/// Ends the process when there is none of that name.
[[nodiscard]] const Target& target_named(std::string_view name);

/// Ends the process unless it holds, and says what should.
void require(bool holds, const char* what);

// In pieces, which the bytes themselves choose.
void frames(std::string_view bytes);
/// One message, and then a stream of them in pieces.
void message(std::string_view bytes);
void json_strict(std::string_view bytes);
void json_lenient(std::string_view bytes);
/// The params of every command.
void parameters(std::string_view bytes);
/// A file of destinations, as a person writes it.
void written(std::string_view bytes);
/// Amounts, feerates, shares, and whatever else is a single parameter.
void amounts(std::string_view bytes);
void psbt(std::string_view bytes);
void transaction(std::string_view bytes);
/// Every kind of record, read as it stands, and again from beyond a seal of our own.
void records(std::string_view bytes);
/// Of every call; the first byte chooses which.
void replies(std::string_view bytes);
/// The whole plugin on virtual time: what lightningd says on standard input and on its RPC socket.
void session(std::string_view bytes);

}  // namespace fuzz
