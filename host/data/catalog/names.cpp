#include "data/catalog/names.hpp"

#include <algorithm>
#include <cctype>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

// Without separators, in lower case (of ASCII letters).
constexpr std::string_view kTimes[] = {
    "ds",           "timestamp", "date",          "time",     "datetime", "dt",
    "ts",           "day",       "week",          "month",    "year",     "quarter",
    "period",       "yearmonth", "yearweek",      "yyyymm",   "yyyymmdd", "yyyyww",
    "weekending",   "weekstart", "calendardate",  "dteday",   "datum",    "zeit",
    "zeitstempel",  "zeitpunkt", "tag",           "woche",    "monat",    "quartal",
    "jahr",         "kw",        "kalenderwoche", "fecha",    "hora",     "dia",
    "día",          "semana",    "mes",           "mês",      "ano",      "año",
    "data",         "jour",      "semaine",       "mois",     "annee",    "année",
    "giorno",       "settimana", "mese",          "anno",     "dato",     "dag",
    "maand",        "jaar",      "tarih",         "дата",     "время",    "日期",
    "时间",         "時間",      "日付",          "日時",     "年月",     "年月日",
    "月份",         "年份",      "年度",          "月",       "年",       "周",
    "日",           "날짜",      "일자",          "日期时间", "交易日期", "统计日期",
    "weekbeginning"};
/// Names of times that as plain integers are more often something else.
constexpr std::string_view kNotOfIntegers[] = {"data", "dato", "tag", "dia", "día",  "hora",
                                               "time", "zeit", "dt",  "ts",  "时间", "時間"};
constexpr std::string_view kTimeEnds[] = {"date",  "datetime", "timestamp", "month", "week",
                                          "year",  "period",   "quarter",   "wk",    "datum",
                                          "fecha", "yyyymm",   "yyyyww"};
/// A year since when, a day of a week: no time of a row.
constexpr std::string_view kNoTime[] = {"of",    "since", "open", "opened", "launch", "start",
                                        "birth", "end",   "lag",  "is",     "number", "num"};
constexpr std::string_view kThings[] = {
    "store",     "shop",   "sku",        "item",     "product", "article",  "artikel",  "filiale",
    "filial",    "markt",  "laden",      "customer", "outlet",  "branch",   "location", "site",
    "warehouse", "dept",   "department", "family",   "station", "sensor",   "meter",    "device",
    "machine",   "ticker", "symbol",     "stock",    "series",  "tienda",   "producto", "articulo",
    "artículo",  "loja",   "produto",    "magasin",  "produit", "boutique", "negozio",  "prodotto",
    "articolo",  "winkel", "sklep",      "produkt",  "butik",   "店铺",     "门店",     "商品",
    "产品",      "货号",   "店名",       "店舗",     "商店",    "магазин",  "товар",    "매장",
    "상품",      "kunde",  "material",   "asset",    "entity"};
constexpr std::string_view kThingEnds[] = {"id",     "nbr",  "no",   "nr",   "num",
                                           "number", "code", "key",  "name", "nummer",
                                           "编号",   "编码", "名称", "代码", "コード"};
constexpr std::string_view kTargets[] = {
    "sold",       "y",           "target",    "value",         "sales",       "qty",
    "quantity",   "units",       "unitssold", "unitsales",     "demand",      "revenue",
    "amount",     "volume",      "turnover",  "count",         "cnt",         "visitors",
    "load",       "consumption", "salesqty",  "salesquantity", "salesamount", "salesvolume",
    "soldqty",    "umsatz",      "absatz",    "menge",         "nachfrage",   "anzahl",
    "ventas",     "cantidad",    "unidades",  "demanda",       "ingresos",    "vendas",
    "quantidade", "receita",     "ventes",    "quantite",      "quantité",    "demande",
    "unites",     "unités",      "vendite",   "quantita",      "quantità",    "domanda",
    "omzet",      "verkoop",     "aantal",    "sprzedaz",      "sprzedaż",    "satis",
    "satış",      "销量",        "销售量",    "销售额",        "销售数量",    "销售",
    "成交金额",   "数量",        "金额",      "需求",          "需求量",      "订单量",
    "订单数",     "营业额",      "客流量",    "売上",          "販売数",      "판매량",
    "매출",       "продажи",     "количество"};
constexpr std::string_view kTargetEnds[] = {"sales",   "demand", "qty",      "quantity", "units",
                                            "revenue", "count",  "visitors", "volume"};
constexpr std::string_view kNoTarget[] = {"price", "lag",  "mean", "avg", "average", "rolling",
                                          "prev",  "last", "ma",   "id",  "max",     "min"};
constexpr std::string_view kCalendar[] = {
    "dayofweek",  "weekday",    "wday",    "dow",    "dayofmonth", "dayofyear",
    "weekofyear", "isweekend",  "weekend", "month",  "mnth",       "year",
    "yr",         "quarter",    "week",    "weekno", "hr",         "hour",
    "day",        "weeknumber", "星期",    "月份",   "年份",       "wochentag"};
constexpr std::string_view kYears[] = {"year",  "yr",   "yyyy", "jahr", "ano",  "año", "annee",
                                       "année", "anno", "jaar", "年",   "年份", "年度"};
constexpr std::string_view kQuarters[] = {"quarter", "qtr", "quartal", "q", "季度"};
constexpr std::string_view kMonths[] = {"month", "mnth", "mon",  "mm", "monat", "mes",
                                        "mês",   "mois", "mese", "月", "月份",  "maand"};
constexpr std::string_view kWeeks[] = {"week",          "wk",         "kw",        "woche",
                                       "kalenderwoche", "semana",     "semaine",   "周",
                                       "weekno",        "weeknumber", "weekofyear"};
constexpr std::string_view kDays[] = {"day",  "dd",     "tag", "dia", "día",
                                      "jour", "giorno", "dag", "日",  "dayofmonth"};
constexpr std::string_view kHours[] = {"hour", "hr",  "hh", "stunde", "hora",     "heure",
                                       "ora",  "uur", "时", "小时",   "hourofday"};
constexpr std::string_view kMinutes[] = {"minute", "min", "minuto", "minuut", "分", "分钟"};
constexpr std::string_view kSeconds[] = {"second", "sec", "sekunde", "segundo", "秒"};
constexpr std::pair<TimePart, std::span<const std::string_view>> kTimePartNames[] = {
    {TimePart::year, kYears},     {TimePart::quarter, kQuarters}, {TimePart::month, kMonths},
    {TimePart::week, kWeeks},     {TimePart::day, kDays},         {TimePart::hour, kHours},
    {TimePart::minute, kMinutes}, {TimePart::second, kSeconds}};
constexpr std::string_view kPositions[] = {"lat", "lon", "lng", "latitude", "longitude"};
constexpr std::string_view kRowNumbers[] = {"index", "idx",     "row",  "rownum", "rownumber",
                                            "rowid", "instant", "no",   "nr",     "level0",
                                            "序号",  "unnamed", "lfdnr"};

bool in(std::span<const std::string_view> list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

/// "InvoiceDate", "invoice_date" -> invoice, date. Bytes beyond ASCII are letters.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  bool fresh = true, lower = false;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && std::isalnum(byte) == 0) {
      fresh = true;
      continue;
    }
    const bool upper = byte < 0x80 && std::isupper(byte) != 0;
    if (fresh || (upper && lower)) words.emplace_back();
    words.back() += static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte);
    fresh = false;
    lower = !upper;
  }
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string name;
  for (const std::string& word : words) name += word;
  return name;
}

bool any_in(const std::vector<std::string>& words, std::span<const std::string_view> list) {
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& word) { return in(list, word); });
}

}  // namespace

bool is_time_name(std::string_view name) {
  const auto words = words_of(name);
  if (words.empty() || any_in(words, kNoTime)) return false;
  return in(kTimes, joined(words)) || words.back() == "time" || in(kTimeEnds, words.back());
}

bool is_time_name_of_integers(std::string_view name) {
  const auto words = words_of(name);
  if (words.empty() || any_in(words, kNoTime)) return false;
  const std::string whole = joined(words);
  return (in(kTimes, whole) && !in(kNotOfIntegers, whole)) || in(kTimeEnds, words.back());
}

std::optional<TimePart> time_part_of_name(std::string_view name) {
  const auto words = words_of(name);
  if (words.empty() || any_in(words, kNoTime)) return std::nullopt;
  for (const auto& [part, names] : kTimePartNames) {
    const bool ending = part < TimePart::day || part == TimePart::hour;  // not of temp_min
    if (in(names, joined(words)) || (ending && in(names, words.back()))) return part;
  }
  return std::nullopt;
}

const char* name_of(TimePart part) {
  switch (part) {
    case TimePart::date:
      return "date";
    case TimePart::clock:
      return "time of day";
    case TimePart::year:
      return "year";
    case TimePart::quarter:
      return "quarter";
    case TimePart::month:
      return "month";
    case TimePart::week:
      return "week";
    case TimePart::day:
      return "day of a month";
    case TimePart::hour:
      return "hour";
    case TimePart::minute:
      return "minute";
    case TimePart::second:
      return "second";
  }
  return "";
}

bool is_id_name(std::string_view name) {
  const auto words = words_of(name);
  if (words.empty()) return false;
  const std::string whole = joined(words);
  if (in(kThings, whole)) return true;
  if (words.size() > 1 && words.back() == "id") return true;
  for (const std::string_view end : kThingEnds) {
    if (whole.size() > end.size() && whole.ends_with(end) &&
        in(kThings, std::string_view(whole).substr(0, whole.size() - end.size()))) {
      return true;
    }
  }
  return false;
}

bool is_target_name(std::string_view name) {
  const auto words = words_of(name);
  if (words.empty() || any_in(words, kNoTarget)) return false;
  return in(kTargets, joined(words)) || in(kTargetEnds, words.back());
}

bool is_calendar_name(std::string_view name) { return in(kCalendar, joined(words_of(name))); }
bool is_position_name(std::string_view name) { return in(kPositions, joined(words_of(name))); }

bool is_unnamed(std::string_view name) {
  const std::string_view pandas = "Unnamed: ";
  if (name.starts_with(pandas)) {
    name.remove_prefix(pandas.size());
    return !name.empty() && std::all_of(name.begin(), name.end(),
                                        [](unsigned char c) { return std::isdigit(c) != 0; });
  }
  return std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isspace(c) != 0; });
}

bool is_pandas_index(std::string_view name) {
  return name.starts_with("__index_level_") && name.ends_with("__");
}

bool is_row_number_name(std::string_view name) { return in(kRowNumbers, joined(words_of(name))); }

}  // namespace sluice
