#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "json/value.hpp"
#include "util/result.hpp"

namespace jsonrpc {

/// One parsed JSON-RPC 2.0 message: request (method and id), notification (method, no id), reply
/// (id and result or error).
class Message {
 public:
  [[nodiscard]] static util::Result<Message> parse(std::string_view text);

  /// The id's raw text, byte for byte as it came, quotes included; empty for a notification.
  [[nodiscard]] const std::string& raw_id() const { return raw_id_; }
  /// Empty for a reply.
  [[nodiscard]] const std::string& method() const { return method_; }
  [[nodiscard]] bool is_reply() const { return method_.empty(); }
  /// `params`, or an empty array when missing.
  [[nodiscard]] json::Value params() const;
  /// `filter`: what the caller wants to see of the result (lightningd-rpc(7), FILTERS).
  [[nodiscard]] std::optional<json::Value> filter() const { return document_.root().find("filter"); }
  /// Replies only: the `result`, or the peer's error with its code, message and raw data. A reply
  /// that has neither is an error too. Its paths begin with "result".
  [[nodiscard]] util::Result<json::Value> result() const;

 private:
  explicit Message(json::Document document) : document_(std::move(document)) {}
  json::Document document_;
  std::string raw_id_;
  std::string method_;
};

/// Texts of messages, ready to send (each ends with "\n\n", has no blank line inside).
[[nodiscard]] std::string reply_text(std::string_view raw_id, std::string_view result_json);
[[nodiscard]] std::string error_text(std::string_view raw_id, const util::Error& error);
[[nodiscard]] std::string notification_text(std::string_view method, std::string_view params_json);

}  // namespace jsonrpc
