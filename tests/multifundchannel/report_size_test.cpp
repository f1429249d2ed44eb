#include <doctest/doctest.h>

#include <string>

#include "report/batch_report.hpp"
#include "report/ended_batches.hpp"

using report::BatchReport;

TEST_CASE("of what settling has found for months, the first lines and the last are kept") {
  BatchReport report;
  for (int i = 0; i < 10'000; ++i) {
    report.recovered("sending");
    report.recovered("sendpsbt: try " + std::to_string(i));
    report.recovered("sendpsbt: try " + std::to_string(i));
  }
  REQUIRE(report.recovery.size() == 50);
  CHECK(report.recovery[1] == "sendpsbt: try 0");
  CHECK(report.recovery[10] == "...");
  CHECK(report.recovery.back() == "sendpsbt: try 9999");
}

TEST_CASE("a report counts its texts, and keeps no data of errors") {
  BatchReport report;
  const auto empty = report.size();
  report.error = util::Error{303, std::string(1000, 'm'), std::string(5000, 'd')};
  report.destinations.resize(2);
  report.destinations[0].failure = report::PeerFailure{report::PeerMethod::connect, {-1, std::string(2000, 'm'), "{}"}};
  CHECK(report.size() >= empty + 8000);
  report.drop_data();
  CHECK(report.error->data.empty());
  CHECK(report.destinations[0].failure->error.data.empty());
  CHECK(report.size() < empty + 5000);
}

TEST_CASE("batches that have ended are kept as long as they fit, the last one always") {
  report::EndedBatches ended;
  const auto with_error = [](std::string id, std::size_t bytes) {
    BatchReport report;
    report.id = std::move(id);
    report.error = util::Error{-1, std::string(bytes, 'm'), std::string(1000, 'd')};
    return report;
  };
  for (int i = 0; i < 2000; ++i) ended.add(with_error(std::to_string(i), 10));
  CHECK(ended.all().size() == 1000);
  CHECK(ended.all().front().id == "1000");
  CHECK(ended.find("1999") != nullptr);
  CHECK(ended.find("999") == nullptr);
  CHECK(ended.all().front().error->data.empty());

  for (int i = 0; i < 100; ++i) ended.add(with_error("large", 1 << 20));
  CHECK(ended.all().size() == 15);  // each is a little more than its text
  ended.add(with_error("huge", 100 << 20));
  CHECK(ended.all().size() == 1);
  ended.add(with_error("small", 10));
  CHECK(ended.all().size() == 1);
  CHECK(ended.all().front().id == "small");
}
