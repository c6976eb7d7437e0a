// CSV by hand, since half of the time would otherwise go into formatting: what repeats (ids, dates)
// is made once and copied, and numbers are small integers.
#include <fmt/format.h>

#include <cstring>

#include "data/calendar/civil.hpp"
#include "data/simulate/model.hpp"

namespace sluice {
namespace {

constexpr std::size_t kBlock = 1 << 20;

char* put(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

char* put(char* at, std::int32_t number) {  // number >= 0
  char digits[12];
  int n = 0;
  do {
    digits[n++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number > 0);
  while (n > 0) *at++ = digits[--n];
  return at;
}

/// 499 -> 4.99, 450 -> 4.50
char* put_cents(char* at, std::int32_t cents) {
  at = put(at, cents / 100);
  *at++ = '.';
  *at++ = static_cast<char>('0' + cents / 10 % 10);
  *at++ = static_cast<char>('0' + cents % 10);
  return at;
}

}  // namespace

void catalog_csv(const StoreWorld& world, bool future, const TextSink& sink) {
  const SimulateSpec& spec = world.spec();
  sink(future ? "unique_id,ds,price,promotion,holiday\n"
              : "unique_id,ds,y,price,promotion,holiday,store,item\n");
  const int begin = future ? spec.days : 0, end = future ? world.all_days() : spec.days;
  std::vector<SimulatedDay> days;
  std::vector<char> buffer(kBlock);
  char* at = buffer.data();
  for (int store = 0; store < spec.stores; ++store) {
    for (int item = 0; item < spec.items; ++item) {
      world.series(store, item, days);
      const std::string store_name = StoreWorld::store_name(store);
      const std::string item_name = StoreWorld::item_name(item);
      const std::string head = store_name + "/" + item_name + ",";
      const std::string tail = future ? "\n" : "," + store_name + "," + item_name + "\n";
      const auto most = static_cast<std::ptrdiff_t>(head.size() + tail.size() + 64);
      for (int d = begin; d < end; ++d) {
        const SimulatedDay& day = days[static_cast<std::size_t>(d)];
        if (!day.present) continue;
        if (buffer.data() + buffer.size() - at < most) {
          sink({buffer.data(), static_cast<std::size_t>(at - buffer.data())});
          at = buffer.data();
        }
        at = put(at, head);
        at = put(at, world.dates()[static_cast<std::size_t>(d)]);
        *at++ = ',';
        if (!future) {
          at = put(at, day.y);
          *at++ = ',';
        }
        at = put_cents(at, day.price_cents);
        at = put(at, day.promotion ? ",1" : ",0");
        at = put(at, day.holiday ? ",1" : ",0");
        at = put(at, tail);
      }
    }
  }
  sink({buffer.data(), static_cast<std::size_t>(at - buffer.data())});
}

void shop_csv(const SimulateSpec& spec, std::int64_t first_day, const TextSink& sink) {
  std::string text = "\xef\xbb\xbf";  // byte-order mark, as in the article's file
  for (std::size_t c = 0; c < kShopColumns.size(); ++c) {
    if (c > 0) text += ',';
    text += kShopColumns[c];
  }
  text += '\n';
  std::int64_t day = first_day;
  for (const ShopDay& row : simulate_shop(spec, first_day)) {
    const auto date = civil::date_of_day(day++);
    fmt::format_to(std::back_inserter(text), "{}/{}/{}", static_cast<int>(date.year()),
                   static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    // The shortest text that reads back as the same number; counts below 1e16 have no exponent.
    for (const double value : row.values) fmt::format_to(std::back_inserter(text), ",{}", value);
    text += '\n';
  }
  sink(text);
}

}  // namespace sluice
