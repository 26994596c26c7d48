# Read before every script of this cluster: your own profile, with your own home (SKY_USER_HOME) as it wants.
sky_cluster_home=$HOME HOME=$SKY_USER_HOME
for sky_profile in ~/.bash_profile ~/.bash_login ~/.profile ~/.bashrc; do
  if [ -r "$sky_profile" ]; then . "$sky_profile"; break; fi
done
HOME=$sky_cluster_home
unset sky_cluster_home sky_profile
# The n-th accelerator of this cluster is the n-th that Slurm gave it on this node, whatever its number.
if [ -n "$SKY_SLURM_DEVICES" ] && [ -n "$CUDA_VISIBLE_DEVICES" ]; then
  IFS=, read -r -a sky_given <<<"$SKY_SLURM_DEVICES"
  IFS=, read -r -a sky_wanted <<<"$CUDA_VISIBLE_DEVICES"
  for sky_index in "${!sky_wanted[@]}"; do
    sky_wanted[sky_index]=${sky_given[${sky_wanted[sky_index]}]}
  done
  CUDA_VISIBLE_DEVICES=$(IFS=,; echo "${sky_wanted[*]}")
  unset sky_given sky_wanted sky_index
fi
unset SKY_SLURM_DEVICES
