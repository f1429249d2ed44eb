#include "jsonrpc/message.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "json/writer.hpp"
#include "util/str.hpp"

namespace jsonrpc {
namespace {

constexpr int invalid_request = -32600;
constexpr int generic = -1;

/// Steps through a JSON text that is known to be valid.
class Stepper {
 public:
  explicit Stepper(std::string_view text) : text_(text) {}

  /// Steps over `c` when it comes next.
  bool take(char c) {
    skip_space();
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  /// Steps over one value and returns its text.
  std::string_view value() {
    skip_space();
    const std::size_t begin = at_;
    if (!at_end() && text_[at_] == '"') {
      skip_string();
    } else if (!at_end() && (text_[at_] == '{' || text_[at_] == '[')) {
      skip_container();
    } else {
      at_ = std::min(text_.find_first_of(",} \t\r\n", at_), text_.size());
    }
    return text_.substr(begin, at_ - begin);
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  void skip_string() {
    for (++at_; !at_end() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  void skip_container() {
    std::size_t depth = 0;
    do {
      const char c = text_[at_];
      if (c == '"') {
        skip_string();
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
    } while (depth > 0 && !at_end());
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// The text of the object's own member "id", empty when it has none. A parser gives the id's value
/// only, but lightningd compares the bytes (1.0 is not 1, "\u0041" is not "A").
std::string_view find_raw_id(std::string_view object) {
  Stepper stepper(object);
  if (!stepper.take('{')) return {};
  do {
    const auto name = stepper.value();
    if (!stepper.take(':')) return {};
    const auto value = stepper.value();
    if (name == "\"id\"") return value;
  } while (stepper.take(','));
  return {};
}

util::Error malformed(std::string_view what) {
  return util::Error{invalid_request, util::str("malformed JSON-RPC message: ", what), {}};
}

/// The `error` member of a reply.
util::Error peer_error(const json::Value& member) {
  const auto data = member.find("data");
  const std::string raw_data = data ? data->dump() : std::string();
  const auto code = member.field("code");
  const auto message = member.string("message");
  if (code.ok() && message.ok()) {
    const auto number = code->i64();
    if (number.ok() && std::in_range<int>(*number)) {
      return util::Error{static_cast<int>(*number), std::string(*message), raw_data};
    }
  }
  return util::Error{generic, util::str("error without a valid code and message: ", member.excerpt()), raw_data};
}

/// Line breaks in JSON text stand between its tokens only, so none is ever needed.
std::string one_line(std::string_view json) {
  std::string line(json);
  std::erase(line, '\n');
  return line;
}

}  // namespace

util::Result<Message> Message::parse(std::string_view text) {
  auto document = json::Document::parse(text, "message");
  if (!document.ok()) return std::move(document.error());
  const auto root = document->root();
  if (!root.is_object()) return malformed("no object");
  Message message(std::move(*document));

  if (const auto id = root.field("id"); id.ok()) {
    if (!id->is_string() && !id->is_number() && !id->is_null()) return malformed("id is no string, number or null");
    message.raw_id_ = find_raw_id(text);
    if (message.raw_id_.empty()) return malformed("the name of the id member is escaped");
  }
  if (const auto method = root.field("method"); method.ok()) {
    const auto name = method->string();
    if (!name.ok() || name->empty()) return malformed("method is no name");
    message.method_ = *name;
  } else if (message.raw_id_.empty()) {
    return malformed("neither id nor method");
  }
  return message;
}

json::Value Message::params() const {
  static const auto none = json::Document::parse("[]", "params");
  const auto params = document_.root().find("params");
  return params ? params->renamed("params") : none->root();
}

util::Result<json::Value> Message::result() const {
  const auto root = document_.root();
  if (const auto error = root.find("error")) return peer_error(*error);
  const auto result = root.field("result");
  if (!result.ok()) return util::Error{generic, util::str("reply without result and error: ", root.excerpt()), {}};
  return result->renamed("result");
}

std::string reply_text(std::string_view raw_id, std::string_view result_json) {
  return util::str(R"({"jsonrpc":"2.0","id":)", raw_id, R"(,"result":)", one_line(result_json), "}\n\n");
}

std::string error_text(std::string_view raw_id, const util::Error& error) {
  json::Writer writer;
  writer.object().field("code", error.code).field("message", error.message);
  if (!error.data.empty()) writer.raw_field("data", error.data);
  const std::string member = one_line(writer.end().take());
  return util::str(R"({"jsonrpc":"2.0","id":)", raw_id, R"(,"error":)", member, "}\n\n");
}

std::string notification_text(std::string_view method, std::string_view params_json) {
  return util::str(R"({"jsonrpc":"2.0","method":")", method, R"(","params":)", one_line(params_json), "}\n\n");
}

}  // namespace jsonrpc
