#include "request/written_destinations.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "json/writer.hpp"
#include "params/params.hpp"
#include "util/str.hpp"

namespace request {

using params::token_text;
using util::Error;
using util::Result;
using util::str;

namespace {

constexpr std::string_view wanted = "a destination is written <node id>@<host>:<port>=<amount>";

/// White space within a line: that of ASCII, the no-break space of web pages, and the mark that Windows puts before a
/// text.
constexpr std::array<std::string_view, 6> blanks{" ", "\t", "\v", "\f", "\xC2\xA0", "\xEF\xBB\xBF"};

json::Document string_at(const std::string& path, std::string_view text) {
  return std::move(*json::Document::parse(json::Writer().value(text).take(), path));
}

/// A piece of the text, and where it begins.
struct Piece {
  std::string_view text;
  std::size_t line = 0;
  std::size_t column = 0;
};

/// Goes through a text once, piece by piece.
class Pieces {
 public:
  explicit Pieces(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const { return text_.empty(); }

  /// White space, commas and comments.
  void skip_between() {
    while (!at_end()) {
      const auto blank = blank_here();
      if (blank > 0) {
        take(blank);
      } else if (text_.front() == '\n' || text_.front() == '\r') {
        end_line();
      } else if (text_.front() == ',') {
        take(1);
      } else if (text_.front() == '#') {
        take(std::min(text_.find_first_of("\r\n"), text_.size()));
      } else {
        return;
      }
    }
  }

  void skip_blanks() {
    while (const auto blank = blank_here()) take(blank);
  }

  /// Up to what separates destinations; with `to_sign` also up to a =.
  Piece take_piece(bool to_sign) {
    Piece piece{text_, line_, column_};
    const std::string_view ends = to_sign ? "\r\n,#=" : "\r\n,#";
    while (!at_end() && blank_here() == 0 && ends.find(text_.front()) == std::string_view::npos) take(1);
    piece.text.remove_suffix(text_.size());
    return piece;
  }

  bool take_sign() {
    if (!text_.starts_with('=')) return false;
    take(1);
    return true;
  }

 private:
  [[nodiscard]] std::size_t blank_here() const {
    for (const auto blank : blanks) {
      if (text_.starts_with(blank)) return blank.size();
    }
    return 0;
  }

  void take(std::size_t bytes) {
    for (const char byte : text_.substr(0, bytes)) {
      if ((static_cast<unsigned char>(byte) & 0xC0) != 0x80) ++column_;
    }
    text_.remove_prefix(bytes);
  }

  void end_line() {
    text_.remove_prefix(text_.starts_with("\r\n") ? 2 : 1);
    ++line_;
    column_ = 1;
  }

  std::string_view text_;
  std::size_t line_ = 1;
  std::size_t column_ = 1;
};

/// What a piece is called in errors.
class Naming {
 public:
  /// `is_element`: of a list, whose index says enough.
  Naming(const json::Value& text, bool is_element) : path_(text.path()), is_element_(is_element) {}

  [[nodiscard]] std::string whole(const Piece& piece) const { return is_element_ ? path_ : at(piece); }
  [[nodiscard]] std::string part(const Piece& piece, std::string_view name) const {
    return is_element_ ? str(path_, '.', name) : at(piece);
  }
  [[nodiscard]] Error wrong(const Piece& piece, std::string_view what) const {
    return request::wrong(string_at(whole(piece), piece.text).root(), what);
  }

 private:
  [[nodiscard]] std::string at(const Piece& piece) const {
    return str(path_, ", line ", piece.line, ", column ", piece.column);
  }

  std::string path_;
  bool is_element_;
};

Result<WrittenDestination> read_next(Pieces& pieces, const Naming& naming) {
  const auto id = pieces.take_piece(true);
  pieces.skip_blanks();
  if (!pieces.take_sign()) return naming.wrong(id, str("has no = and amount: ", wanted));
  if (id.text.empty()) return naming.wrong(id, str("has no node id before the =: ", wanted));
  pieces.skip_blanks();
  const auto amount = pieces.take_piece(false);
  if (amount.text.empty()) return naming.wrong(id, str("has no amount after the =: ", wanted));
  return WrittenDestination{string_at(naming.part(id, "id"), id.text),
                            string_at(naming.part(amount, "amount"), amount.text)};
}

std::string text_of(const json::Value& value) { return token_text(value).value_or(value.as_typed()); }

/// Where it came through lightningd's hook or its `check`, its line breaks are escaped.
std::string unescaped(std::string name) {
  constexpr int most_times = 3;
  for (int i = 0; i < most_times && name.find('\\') != std::string::npos; ++i) {
    const auto read = json::Document::parse(str('"', name, '"'), "name");
    const auto text = read ? read->root().string() : Result<std::string_view>(Error{});
    if (!text) break;
    name = *text;
  }
  return name;
}

Error backslash(const std::string& name) {
  return wrong(string_at("destinations", name).root(),
               "has a backslash before its first =, where lightning-cli does not pass it as "
               "it is: use lightning-cli -k multifundchannel destinations=...");
}

bool begins_as_text(std::string_view name) {
  Pieces pieces(name);
  pieces.skip_between();
  const auto first = pieces.take_piece(true).text;
  if (first.empty()) return name.find('#') != std::string_view::npos;
  return first.front() >= '0' && first.front() <= '9';
}

}  // namespace

Result<std::vector<WrittenDestination>> read_destinations(const json::Value& text) {
  const auto whole = text_of(text);
  const Naming naming(text, false);
  Pieces pieces(whole);
  std::vector<WrittenDestination> destinations;
  for (pieces.skip_between(); !pieces.at_end(); pieces.skip_between()) {
    auto next = read_next(pieces, naming);
    if (!next) return next.error();
    destinations.push_back(std::move(*next));
  }
  if (destinations.empty()) return wrong(text, str("must have at least one entry: ", wanted));
  return destinations;
}

Result<WrittenDestination> read_destination(const json::Value& text) {
  const auto whole = text_of(text);
  Pieces pieces(whole);
  pieces.skip_between();
  if (pieces.at_end()) return wrong(text, str("is empty: ", wanted));
  auto only = read_next(pieces, Naming(text, true));
  if (!only) return only.error();
  pieces.skip_between();
  if (!pieces.at_end()) return wrong(text, "holds more than one destination: each is an element of its own");
  return only;
}

Result<std::optional<json::Document>> join_names(const json::Value& params) {
  std::string text;
  json::Writer others;
  others.object();
  for (const auto& [typed, value] : params.members()) {
    const auto name = unescaped(std::string(typed));
    if (!begins_as_text(name)) {
      others.raw_field(typed, value.as_typed());
      continue;
    }
    // Which line breaks there were is open then: a comment could hide a destination.
    if (name.find('\\') != std::string::npos) return backslash(name);
    if (!text.empty()) text += '\n';
    text += str(name, '=', text_of(value));
  }
  if (text.empty()) return std::optional<json::Document>();
  auto joined = json::Document::read(others.field("destinations", text).end().take(), params.path());
  if (!joined) return joined.error();
  return std::optional<json::Document>(std::move(*joined));
}

}  // namespace request
