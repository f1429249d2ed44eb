#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "json/value.hpp"
#include "util/result.hpp"

namespace jsonrpc {

/// One parsed JSON-RPC 2.0 message: request (method and id), notification (method, no id), reply
/// (id and result or error). Read as leniently as lightningd reads (json::Document::read).
class Message {
 public:
  /// An error only when neither an id nor a method can be made out. A message that has one of them, but cannot be
  /// read, says why in problem().
  [[nodiscard]] static util::Result<Message> parse(std::string_view text);

  /// Why the message cannot be read; then it has no params, and its result is this error.
  [[nodiscard]] const std::optional<util::Error>& problem() const { return problem_; }
  /// Likewise, or why it had to be read leniently.
  [[nodiscard]] std::optional<util::Error> flaw() const;
  /// The id's raw text, byte for byte as it came, quotes included; empty for a notification.
  [[nodiscard]] const std::string& raw_id() const { return raw_id_; }
  /// Empty for a reply.
  [[nodiscard]] const std::string& method() const { return method_; }
  [[nodiscard]] bool is_reply() const { return method_.empty(); }
  /// `params`, or an empty array when missing.
  [[nodiscard]] json::Value params() const;
  /// `filter`: what the caller wants to see of the result (lightningd-rpc(7), FILTERS).
  [[nodiscard]] std::optional<json::Value> filter() const;
  /// Replies only: the `result`, or the peer's error with its code, message and raw data. A reply
  /// that has neither is an error too. Its paths begin with "result".
  [[nodiscard]] util::Result<json::Value> result() const;

 private:
  Message() = default;
  /// Id and method of what cannot be read.
  [[nodiscard]] static util::Result<Message> outline(std::string_view text, util::Error problem);

  std::optional<json::Document> document_;
  std::optional<util::Error> problem_;
  std::string raw_id_;
  std::string method_;
};

/// The beginning of a text that need not be one, for a log line: printable, too short to tell a transaction.
[[nodiscard]] std::string excerpt(std::string_view text);

/// Texts of messages, ready to send (each ends with "\n\n", has no blank line inside).
[[nodiscard]] std::string reply_text(std::string_view raw_id, std::string_view result_json);
[[nodiscard]] std::string error_text(std::string_view raw_id, const util::Error& error);
[[nodiscard]] std::string notification_text(std::string_view method, std::string_view params_json);

}  // namespace jsonrpc
