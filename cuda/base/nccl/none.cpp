// In communicator.cpp's place where the build has no NCCL: refuses.
#include "base/nccl/communicator.hpp"
#include "sluice/base/error.hpp"

namespace sluice {

std::unique_ptr<Communicator> make_communicator(Ranks&, const Patience&) {
  throw DeviceError(
      "training on GPUs by several processes needs NCCL, and this build has none; install it "
      "(nccl.h and libnccl.so.2), set NCCL_PATH and build again, or start one process, without "
      "mpirun or srun, or set engine.device = \"cpu\"");
}

}  // namespace sluice
