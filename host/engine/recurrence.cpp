#include "engine/recurrence.hpp"

namespace sluice {

std::int64_t recurrence_params(int C, int H, int L) {
  std::int64_t size = 0;
  for (int l = 0; l < L; ++l) {
    size += std::int64_t{4} * H * ((l == 0 ? C : H) + std::int64_t{H} + 1);
  }
  return size;
}

}  // namespace sluice
