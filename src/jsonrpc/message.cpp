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

/// Steps through the tokens of one object as lightningd's reader cuts them, whether they make sense or not.
class Stepper {
 public:
  explicit Stepper(std::string_view text) : text_(text) {}

  /// The next bracket, colon, string or word; empty at the end. Commas are as good as white space.
  std::string_view token() {
    at_ = std::min(text_.find_first_not_of(" \t\r\n,", at_), text_.size());
    const std::size_t begin = at_;
    if (at_ == text_.size()) return {};
    if (text_[at_] == '"') {
      skip_string();
    } else if (std::string_view("{}[]:").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    } else {
      at_ = std::min(text_.find_first_of("\t\r\n ,]}", at_), text_.size());
    }
    return text_.substr(begin, at_ - begin);
  }

 private:
  void skip_string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Texts of the first members "id" and "method" of an object, byte for byte; empty where it has none.
struct Outline {
  std::string_view id;
  std::string_view method;
};

/// With `all` it looks for both, otherwise for the id only. A parser gives the id's value only, but lightningd compares
/// the bytes (1.0 is not 1, "\u0041" is not "A").
Outline outline_of(std::string_view object, bool all) {
  Stepper stepper(object);
  Outline found;
  std::size_t depth = 0;
  std::string_view name;  // the string before the colon
  bool named = false;     // a colon stands between them
  for (auto token = stepper.token(); !token.empty(); token = stepper.token()) {
    const char c = token.front();
    if (c == ':') {
      named = true;
      continue;
    }
    if (depth == 1 && named && c != '}' && c != ']') {
      if (name == "\"id\"" && found.id.empty()) found.id = token;
      if (name == "\"method\"" && found.method.empty()) found.method = token;
      if (!found.id.empty() && (!all || !found.method.empty())) return found;
    }
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && depth > 0) --depth;
    name = token;
    named = false;
  }
  return found;
}

/// A string or a word: what may be an id.
bool is_token(std::string_view text) { return !text.empty() && text.front() != '{' && text.front() != '['; }

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
  if (!text.starts_with('{')) return malformed("no object");
  auto document = json::Document::read(text, "message");
  if (!document.ok()) return outline(text, std::move(document.error()));
  Message message;
  message.document_ = std::move(*document);
  const auto root = message.document_->root();
  if (const auto id = root.field("id"); id.ok()) {
    if (id->is_object() || id->is_array()) return malformed("id is no string, number or null");
    message.raw_id_ = outline_of(text, false).id;
  }
  if (const auto method = root.field("method"); method.ok()) {
    const auto name = method->string();
    message.method_ = name.ok() && !name->empty() ? std::string(*name) : method->excerpt();  // which no method is
  } else if (message.raw_id_.empty()) {
    return malformed("neither id nor method");
  }
  return message;
}

util::Result<Message> Message::outline(std::string_view text, util::Error problem) {
  const auto found = outline_of(text, true);
  Message message;
  if (is_token(found.id)) message.raw_id_ = found.id;
  if (found.method.size() > 2 && found.method.front() == '"')
    message.method_ = found.method.substr(1, found.method.size() - 2);
  if (message.raw_id_.empty() && message.method_.empty()) return problem;
  message.problem_ = std::move(problem);
  return message;
}

std::optional<util::Error> Message::flaw() const { return problem_ || !document_ ? problem_ : document_->flaw(); }

std::optional<json::Value> Message::filter() const {
  return document_ ? document_->root().find("filter") : std::nullopt;
}

json::Value Message::params() const {
  static const auto none = json::Document::parse("[]", "params");
  const auto params = document_ ? document_->root().find("params") : std::nullopt;
  return params ? params->renamed("params") : none->root();
}

util::Result<json::Value> Message::result() const {
  if (problem_) return *problem_;
  const auto root = document_->root();
  if (const auto error = root.find("error")) return peer_error(*error);
  const auto result = root.field("result");
  if (!result.ok()) return util::Error{generic, util::str("reply without result and error: ", root.excerpt()), {}};
  return result->renamed("result");
}

std::string excerpt(std::string_view text) {
  constexpr std::size_t limit = 40;
  std::string out;
  for (const char c : text.substr(0, limit)) out += c >= ' ' && c <= '~' ? c : '.';
  return text.size() > limit ? out + "..." : out;
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
