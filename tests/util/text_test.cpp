#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "flat.hpp"
#include "util/result.hpp"
#include "util/rope.hpp"
#include "util/str.hpp"

TEST_CASE("str: texts, characters and integers, one after the other") {
  const std::string text = "peer";
  CHECK(util::str().empty());
  CHECK(util::str("a", 'b', text, std::string_view("-"), 3, ": ", -4) == "abpeer-3: -4");
}

TEST_CASE("str: the ends of the integers") {
  CHECK(util::str(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  CHECK(util::str(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(util::str(std::uint8_t{200}) == "200");
  CHECK(util::str(std::int8_t{-128}) == "-128");
}

TEST_CASE("str keeps zero bytes") { CHECK(util::str(std::string_view("a\0b", 3), '\0').size() == 4); }

TEST_CASE("rope: its size and text are those of the pieces together") {
  util::Rope rope;
  CHECK(rope.size() == 0);
  CHECK(flat(rope).empty());
  rope.add("abc");
  rope.add(util::share("defg"));
  rope.add(std::string());
  CHECK(rope.size() == 7);
  CHECK(flat(rope) == "abcdefg");
  CHECK(flat(util::Rope("x")) == "x");
}

TEST_CASE("rope: a shared piece is not copied") {
  const auto psbt = util::share(std::string(1000, 'p'));
  util::Rope first;
  util::Rope second("head");
  first.add(psbt);
  second.add(psbt);
  CHECK(first.pieces().at(0).get() == psbt.get());
  CHECK(second.pieces().at(1).get() == psbt.get());
  CHECK(psbt.use_count() == 3);
}

TEST_CASE("rope: moved text is not copied") {
  std::string text(1000, 'p');
  const auto* where = text.data();
  util::Rope rope;
  rope.add(std::move(text));
  CHECK(rope.pieces().at(0)->data() == where);
}

TEST_CASE("result: a value") {
  util::Result<std::string> result = std::string("yes");
  CHECK(result.ok());
  CHECK(result);
  CHECK(*result == "yes");
  CHECK(result->size() == 3);
  *result += "!";
  CHECK(*std::as_const(result) == "yes!");
  CHECK(std::as_const(result)->size() == 4);
}

TEST_CASE("result: an error") {
  util::Result<std::string> result = util::Error{301, "no funds", "{}"};
  CHECK_FALSE(result.ok());
  CHECK_FALSE(result);
  CHECK(result.error().code == 301);
  CHECK(result.error().message == "no funds");
  result.error().message = "none";
  CHECK(std::as_const(result).error().message == "none");
}

TEST_CASE("result: a value that can only be moved can be taken out") {
  util::Result<std::unique_ptr<int>> owner = std::make_unique<int>(5);
  const auto taken = std::move(*owner);
  CHECK(*taken == 5);
}

TEST_CASE("result: copies, moves and assignments keep what it is, also from value to error and back") {
  const util::Result<std::string> value = std::string(100, 'v');
  const util::Result<std::string> error = util::Error{301, "no funds", "{}"};
  auto result = value;
  CHECK(*result == *value);
  result = error;
  CHECK(result.error().message == "no funds");
  auto moved = std::move(result);
  CHECK(moved.error().data == "{}");
  moved = value;
  CHECK(*moved == *value);
  moved = *&moved;
  CHECK(*moved == *value);
}

TEST_CASE("result: asked for what it is not, it throws") {
  util::Result<int> value = 1;
  util::Result<int> error = util::Error{301, "no funds", {}};
  CHECK_THROWS_AS(static_cast<void>(value.error()), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(std::as_const(value).error()), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(*error), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(*std::as_const(error)), std::logic_error);
}

TEST_CASE("result: one of a value that can only be moved is not copied") {
  using Owner = util::Result<std::unique_ptr<int>>;
  CHECK_FALSE(std::is_copy_constructible_v<Owner>);
  CHECK(std::is_nothrow_move_constructible_v<Owner>);
  CHECK(std::is_copy_constructible_v<util::Result<std::string>>);
}

TEST_CASE("result: without a value") {
  CHECK(util::Result<void>().ok());
  util::Result<void> result = util::Error{-1, "broken", {}};
  CHECK_FALSE(result.ok());
  CHECK_FALSE(result);
  CHECK(result.error().message == "broken");
}
