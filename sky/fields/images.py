"""The image that a node boots, or the container that its jobs run in."""

from __future__ import annotations

from collections.abc import Mapping

from catalog import names as catalog_names
from sky import clouds
from sky.exceptions import SpecError
from sky.fields.suggest import did_you_mean
from sky.fields.where import Where

DOCKER_PREFIX = "docker:"

Images = tuple[tuple[str | None, str], ...]


def parse(image_id: object, place: Where) -> Images:
    """Return (region, image) pairs, region ``None`` for any. Raises ``SpecError``.

    ``docker:IMAGE`` needs no cloud; any other image does, and an AMI needs its region.
    """
    if image_id is None:
        return ()
    if isinstance(image_id, str):
        images = {place.region: image_id.strip()}
    elif isinstance(image_id, Mapping) and image_id:
        images = {_region(region, place): str(image).strip() for region, image in image_id.items()}
    else:
        raise SpecError(f"must be an image or a mapping of region to image, not {image_id!r}", "image_id")
    for image in images.values():
        _check(image, images, place)
    if place.region is not None and place.region not in images:
        raise SpecError(
            f"has no image for region {place.region!r}; it names {sorted(map(str, images))}", "image_id"
        )
    return tuple(sorted(images.items(), key=lambda pair: pair[0] or ""))


def docker_image(images: Images) -> str | None:
    """Return the container image of ``docker:IMAGE``, or ``None``."""
    if len(images) == 1 and images[0][1].startswith(DOCKER_PREFIX):
        return images[0][1][len(DOCKER_PREFIX) :]
    return None


def _check(image: str, images: Mapping[str | None, str], place: Where) -> None:
    if image.startswith(DOCKER_PREFIX):
        if not image[len(DOCKER_PREFIX) :]:
            raise SpecError("names no container image after 'docker:'", "image_id")
        return
    if not image:
        raise SpecError("names no image", "image_id")
    if place.cloud is None:
        raise SpecError(
            f"{image!r} exists on one cloud only; name the cloud too, or use 'docker:IMAGE'", "image_id"
        )
    if clouds.CloudImplementationFeatures.IMAGE_ID not in place.cloud.features:
        raise SpecError(
            f"{place.cloud} boots no image of the user's; use 'docker:IMAGE' or another cloud", "image_id"
        )
    if isinstance(place.cloud, clouds.AWS) and image.startswith("ami-") and None in images:
        raise SpecError(
            f"{image!r} exists in one region only; name the region too, or map regions to AMIs", "image_id"
        )


def _region(region: object, place: Where) -> str | None:
    if region is None:
        return place.region
    name = str(region).strip()
    if place.cloud is None:
        return name
    known = catalog_names.names().regions(place.cloud.canonical_name())
    if known and name not in known:
        raise SpecError(f"invalid region {name!r} for {place.cloud}.{did_you_mean(name, known)}", "image_id")
    return name
